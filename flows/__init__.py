"""Orchestration: Prefect runs the stages, MLflow keeps what they give."""

from .working_folder import keep_out

keep_out()  # before torch or Prefect is imported
