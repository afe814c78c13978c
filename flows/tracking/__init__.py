"""MLflow, through one door: runs by explicit id, metrics in batches, files, models, the registry.

The fluent API is not used: its active run is thread-local and opens stray runs under Prefect.
"""

from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion

from .connection import client, experiment_id, prepare
from .files import artifact_folder, artifact_path, log_dataset, log_file, log_json, log_picture, system_metrics
from .models import (
    LOGGED,
    MODEL,
    REPORTED_BY,
    TRAINED_BY,
    champions,
    give_alias,
    load_exporter,
    log_network,
    model_runs,
    register,
    registered,
    tag_version,
    take_alias,
    version_at,
)
from .pages import artifact_page, run_page
from .runs import (
    FLOW_RUN,
    KEY,
    PARENT,
    alive,
    began,
    ended,
    environment,
    exists,
    experiment_of,
    finish,
    proceed,
    reconcile,
    run_of_flow,
    runs,
    start,
    training_run,
)
from .values import flatten, history, log_history, log_metrics, log_parameters, tag

__all__ = [
    "FLOW_RUN",
    "KEY",
    "LOGGED",
    "MODEL",
    "PARENT",
    "REPORTED_BY",
    "TRAINED_BY",
    "ModelVersion",
    "Run",
    "alive",
    "artifact_folder",
    "artifact_page",
    "artifact_path",
    "began",
    "champions",
    "client",
    "ended",
    "environment",
    "exists",
    "experiment_id",
    "experiment_of",
    "finish",
    "flatten",
    "give_alias",
    "history",
    "load_exporter",
    "log_dataset",
    "log_file",
    "log_history",
    "log_json",
    "log_metrics",
    "log_network",
    "log_parameters",
    "log_picture",
    "model_runs",
    "prepare",
    "proceed",
    "reconcile",
    "register",
    "registered",
    "run_of_flow",
    "run_page",
    "runs",
    "start",
    "system_metrics",
    "tag",
    "tag_version",
    "take_alias",
    "training_run",
    "version_at",
]  # fmt: skip
