"""MLflow, through one door: runs by explicit id, metrics in batches, files, models, the registry.

The fluent API is not used: its active run is thread-local and opens stray runs under Prefect.
"""

from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion

from .connection import client, experiment_id, prepare, shown_uri
from .files import (
    artifact,
    artifact_folder,
    log_dataset,
    log_file,
    log_json,
    log_picture,
    log_with_reference,
    pictures,
)
from .heartbeat import alive
from .models import LOGGED, MODEL, load_exporter, log_network, sources
from .outbox import Outbox
from .pages import artifact_page, run_page
from .patient_client import MlflowAway
from .registry import (
    CHAMPION,
    REPORTED_BY,
    TRAINED_BY,
    champion_made_by,
    give_alias,
    register,
    registered_names,
    tag_version,
    take_alias,
    version_at,
)
from .runs import (
    PARENT,
    abandon,
    began,
    end_run,
    environment,
    experiment_of,
    finish,
    is_made_here,
    proceed,
    reconcile,
    start,
    start_child,
)
from .search import (
    FINISHED,
    FLOW_RUN,
    KEY,
    WHOLE,
    each_run,
    exists,
    find_finished,
    find_gone,
    quote,
    removed_runs,
    run_of,
    run_of_flow,
    runs,
    training_run,
)
from .system_metrics import system_metrics
from .telling import Delivery, tell_left
from .values import flatten, history, log_metrics, log_parameters, tag

__all__ = [
    "CHAMPION",
    "FINISHED",
    "FLOW_RUN",
    "KEY",
    "LOGGED",
    "MODEL",
    "PARENT",
    "REPORTED_BY",
    "TRAINED_BY",
    "WHOLE",
    "Delivery",
    "MlflowAway",
    "ModelVersion",
    "Outbox",
    "Run",
    "abandon",
    "alive",
    "artifact",
    "artifact_folder",
    "artifact_page",
    "began",
    "champion_made_by",
    "client",
    "each_run",
    "end_run",
    "environment",
    "exists",
    "experiment_id",
    "experiment_of",
    "find_finished",
    "find_gone",
    "finish",
    "flatten",
    "give_alias",
    "history",
    "is_made_here",
    "load_exporter",
    "log_dataset",
    "log_file",
    "log_json",
    "log_metrics",
    "log_network",
    "log_parameters",
    "log_picture",
    "log_with_reference",
    "pictures",
    "prepare",
    "proceed",
    "quote",
    "reconcile",
    "register",
    "registered_names",
    "removed_runs",
    "run_of",
    "run_of_flow",
    "run_page",
    "runs",
    "shown_uri",
    "sources",
    "start",
    "start_child",
    "system_metrics",
    "tag",
    "tag_version",
    "take_alias",
    "tell_left",
    "training_run",
    "version_at",
]  # fmt: skip
