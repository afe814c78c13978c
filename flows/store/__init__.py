"""The store: what is kept. Knows the disk and MLflow (`tracking` alone imports it), and not Prefect."""
