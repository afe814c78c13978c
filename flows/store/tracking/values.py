"""What is written into a run: tags, parameters, metrics in one batch, and a metric's history."""

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

from mlflow.entities import Metric, Param, RunTag

from .connection import client

BATCH = 1000  # metrics that MLflow takes at once


def tag(run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags."""
    client().log_batch(run_id, tags=[RunTag(key, _text(value)[:5000]) for key, value in tags.items()])


def _text(value: object) -> str:
    """As every database takes it: an error may name a file by bytes that are no text."""
    return str(value).replace("\0", "\\0").encode(errors="backslashreplace").decode()


def log_parameters(run_id: str, parameters: Mapping[str, Any]) -> None:
    """Log nested options as flat parameters ``training.epochs``."""
    flat = [Param(key, str(value)[:6000]) for key, value in flatten(parameters)]
    for begin in range(0, len(flat), 100):
        client().log_batch(run_id, params=flat[begin : begin + 100])


def log_metrics(run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
    """Log metrics, in batches as large as MLflow takes; those that are not finite are left out: it stores others.

    What the run has already is not told again: an attempt that was killed before it came to its end has told it.
    """
    now, known = int(time.time() * 1000), client().get_run(run_id).data.metrics
    found = [
        Metric(key, float(value), now, step)
        for key, value in metrics.items()
        if math.isfinite(value) and not (known.get(key) == value == history(run_id, key).get(step))
    ]
    for begin in range(0, len(found), BATCH):
        client().log_batch(run_id, metrics=found[begin : begin + BATCH])


def history(run_id: str, metric: str) -> dict[int, float]:
    """A metric's history, by step."""
    return {entry.step: entry.value for entry in client().get_metric_history(run_id, metric)}


def flatten(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings and lists as pairs of a dotted path and a leaf."""
    for key, item in value.items():
        path = f"{prefix}{key}"
        parts = {str(i): part for i, part in enumerate(item)} if isinstance(item, list) else item
        if isinstance(parts, dict) and any(isinstance(part, dict) or parts is item for part in parts.values()):
            yield from flatten(parts, f"{path}.")
        else:
            yield path, item
