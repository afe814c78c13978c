"""The only module that imports MLflow: runs by explicit id, metrics in batches, files, models.

The fluent API is not used: its active run is thread-local and opens stray runs under Prefect.
"""

import json
import math
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import mlflow
import numpy as np
import psutil
from mlflow.entities import LoggedModelStatus, Metric, Param, Run, RunTag
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient
from numpy.typing import NDArray
from torch import Tensor, nn

from .store import Store

KEY, PID, STARTED = "dae.key", "dae.pid", "dae.pid_started"
PARENT = "mlflow.parentRunId"


def client() -> MlflowClient:
    """The client for the URI that `Store.enter` set."""
    return _client(os.environ["MLFLOW_TRACKING_URI"])


@cache
def _client(uri: str) -> MlflowClient:
    return MlflowClient(uri)


def prepare(store: Store) -> None:
    """Create the database once, switch SQLite to WAL, and end the runs whose processes are gone."""
    import sqlite3

    with store.lock("database"):
        client().search_experiments(max_results=1)
        if client().tracking_uri.startswith("sqlite"):
            with closing(sqlite3.connect(store.database)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
    reconcile()


def experiment_id(name: str, store: Store) -> str:
    """The experiment of that name, made with an artifact folder inside the store if it is new."""
    with store.lock("experiments"):
        found = client().get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        location = (store.artifacts / name).as_uri()
        return str(client().create_experiment(name, artifact_location=location))


def start(experiment: str, name: str, tags: Mapping[str, str], parameters: Mapping[str, Any], parent: str = "") -> str:
    """A new run; its id."""
    lineage = {PARENT: parent} if parent else {}
    run = client().create_run(experiment, run_name=name, tags={**tags, **lineage, **_process_tags()})
    log_parameters(run.info.run_id, parameters)
    return str(run.info.run_id)


def proceed(run_id: str) -> None:
    """Take up a run that a process left behind."""
    tag(run_id, _process_tags())  # first: a run that is RUNNING without a living process counts as dead
    client().update_run(run_id, status="RUNNING")


def finish(run_id: str, status: str) -> None:
    """End a run: FINISHED, FAILED or KILLED."""
    client().set_terminated(run_id, status)


@contextmanager
def ended(run_id: str) -> Iterator[None]:
    """Whatever happens inside, the run ends with a state: FINISHED, FAILED, or KILLED by an interrupt."""
    try:
        yield
    except Exception as error:
        try:
            tag(run_id, {"dae.error": " ".join(str(error).split())[:4000]})
        finally:
            finish(run_id, "FAILED")
        raise
    except BaseException:
        finish(run_id, "KILLED")
        raise
    finish(run_id, "FINISHED")


def reconcile() -> list[str]:
    """Mark runs as KILLED whose process is gone; their ids."""
    dead = [run.info.run_id for run in runs("attributes.status = 'RUNNING'") if not _alive(run)]
    for run_id in dead:
        finish(run_id, "KILLED")
    return dead


def runs(query: str = "", limit: int = 50_000) -> list[Run]:
    """Runs of all experiments that match, newest first."""
    experiments = [found.experiment_id for found in client().search_experiments()]
    order = ["attributes.start_time DESC"]
    return list(client().search_runs(experiments, query, max_results=limit, order_by=order)) if experiments else []


def training_run(key: str) -> Run | None:
    """The run that trains, or trained, under this stage key."""
    found = runs(f"tags.`{KEY}` = '{key}'", limit=1)
    return found[0] if found else None


def experiment_of(run_id: str) -> str:
    """The id of the experiment a run belongs to."""
    return str(client().get_run(run_id).info.experiment_id)


def exists(run_id: str) -> bool:
    """Whether the run is there and not deleted."""
    try:
        return str(client().get_run(run_id).info.lifecycle_stage) == "active"
    except mlflow.MlflowException:
        return False


@cache
def environment() -> dict[str, str]:
    """What a run's tags say of where it was made: commit, Python, torch."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
        git = commit.stdout.strip() if commit.returncode == 0 else ""
    except OSError:
        git = ""
    return {"git": git, "python": platform.python_version(), "torch": version("torch"), "daecore": version("daecore")}


def tag(run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags."""
    client().log_batch(run_id, tags=[RunTag(key, str(value)[:5000]) for key, value in tags.items()])


def log_parameters(run_id: str, parameters: Mapping[str, Any]) -> None:
    """Log nested options as flat parameters ``training.epochs``."""
    flat = [Param(key, str(value)[:6000]) for key, value in flatten(parameters)]
    for begin in range(0, len(flat), 100):
        client().log_batch(run_id, params=flat[begin : begin + 100])


def log_metrics(run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
    """Log metrics in one batch; values that are not finite are left out, for MLflow stores them as others."""
    now = int(time.time() * 1000)
    entries = [Metric(key, float(value), now, step) for key, value in metrics.items() if math.isfinite(value)]
    client().log_batch(run_id, metrics=entries)


def history(run_id: str, metric: str) -> dict[int, float]:
    """A metric's history, by step."""
    return {entry.step: entry.value for entry in client().get_metric_history(run_id, metric)}


def log_file(run_id: str, path: Path, folder: str = "") -> None:
    """Put a file among the run's artifacts."""
    client().log_artifact(run_id, str(path), folder or None)


@contextmanager
def system_metrics(run_id: str) -> Iterator[None]:
    """Sample processor, memory and GPU use beside the work."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor: Any = SystemMetricsMonitor(run_id, resume_logging=True)  # type: ignore[no-untyped-call]
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def log_picture(run_id: str, image: NDArray[np.uint8], key: str, step: int = 0) -> None:
    """Put a picture ``(H, W)`` or ``(H, W, 3)`` into the grid of images that compares runs."""
    client().log_image(run_id, image, key=key, step=step)


def artifact_path(run_id: str, name: str) -> Path:
    """Where an artifact of a run lies on this machine."""
    root = client().get_run(run_id).info.artifact_uri
    return Path(mlflow.artifacts.download_artifacts(f"{root}/{name}", tracking_uri=client().tracking_uri))


def log_dataset(run_id: str, name: str, sha256: str, profile: Mapping[str, Any]) -> None:
    """Say which data went in, by the digest of its tensors."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    entry = Dataset(name, sha256[:36], "daecore", json.dumps({"sha256": sha256}), profile=json.dumps(dict(profile)))
    client().log_inputs(run_id, [DatasetInput(entry, [InputTag("mlflow.data.context", "training")])])


def log_network(run_id: str, experiment: str, name: str, model: nn.Module, example: Tensor) -> str:
    """Log the network as an MLflow model with signature, in the `pt2` format (no pickle); the model's id.

    Args:
        run_id: The training's run.
        experiment: Its experiment's id.
        name: The logged model's name.
        model: In eval mode, on the CPU.
        example: float32 ``(2, *shape)``.
    """
    signature = infer_signature(example.numpy(), model(example).detach().numpy())
    logged = client().create_logged_model(experiment, name=name, source_run_id=run_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        mlflow.pytorch.save_model(
            model, path, signature=signature, input_example=example.numpy(), pip_requirements=["torch"]
        )
        client().log_model_artifacts(logged.model_id, str(path))
    client().finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    return str(logged.model_id)


def flatten(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings and lists as pairs of a dotted path and a leaf."""
    for key, item in value.items():
        path = f"{prefix}{key}"
        parts = {str(i): part for i, part in enumerate(item)} if isinstance(item, list) else item
        if isinstance(parts, dict) and any(isinstance(part, dict) or parts is item for part in parts.values()):
            yield from flatten(parts, f"{path}.")
        else:
            yield path, item


def _process_tags() -> dict[str, str]:
    return {PID: str(os.getpid()), STARTED: f"{psutil.Process().create_time():.2f}"}


def _alive(run: Run) -> bool:
    """Whether the process that started a run still lives (a reused pid has another start time)."""
    tags = run.data.tags
    if PID not in tags:
        return True  # not started by us
    try:
        return f"{psutil.Process(int(tags[PID])).create_time():.2f}" == tags[STARTED]
    except psutil.NoSuchProcess:
        return False


def artifact_folder(run_id: str) -> Path:
    """The folder of a run's artifacts on this machine."""
    return Path(unquote(urlparse(client().get_run(run_id).info.artifact_uri).path))


def model_runs() -> dict[str, str]:
    """The run each logged model came from, by the model's id."""
    found: dict[str, str] = {}
    for experiment in client().search_experiments():
        page = client().search_logged_models([experiment.experiment_id], max_results=50)
        while True:
            found |= {model.model_id: model.source_run_id or "" for model in page}
            if not page.token:
                break
            page = client().search_logged_models([experiment.experiment_id], max_results=50, page_token=page.token)
    return found
