"""What is written into a run: tags, parameters, metrics in one batch, and a metric's history."""

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

from mlflow.entities import Metric, Param, RunTag

from .connection import client


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
    log_history(run_id, {step: metrics})


def log_history(run_id: str, steps: Mapping[int, Mapping[str, float]]) -> None:
    """Log the metrics of several steps, likewise, in batches as large as MLflow takes."""
    now = int(time.time() * 1000)
    entries = [
        Metric(key, float(value), now, step)
        for step, metrics in steps.items()
        for key, value in metrics.items()
        if math.isfinite(value)
    ]
    for begin in range(0, len(entries), 1000):
        client().log_batch(run_id, metrics=entries[begin : begin + 1000])


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
