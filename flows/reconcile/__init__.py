"""Reconciling: what Prefect or MLflow believe to be running and is not."""
