"""Orchestration: Prefect runs the stages, MLflow keeps what they give."""
