"""Samples of the machine's load, beside a training."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

Tell = Callable[[Mapping[int, Mapping[str, float]]], None]


class _Monitor(SystemMetricsMonitor):
    """MLflow's, which asks MLflow nothing while it samples: by itself it gives up where MLflow is away for a moment."""

    def __init__(self, run_id: str, tell: Tell) -> None:
        super().__init__(run_id, resume_logging=True)  # type: ignore[no-untyped-call]
        self._tell = tell

    def monitor(self) -> None:
        """In its thread: sample, and tell, until the end."""
        ours: Any = self
        while True:
            ours.collect_metrics()
            if ours._shutdown_event.wait(ours.sampling_interval):
                return
            try:
                ours.publish_metrics(ours.aggregate_metrics())
            except Exception:  # the training is told the same
                return

    def publish_metrics(self, metrics: Mapping[str, float]) -> None:
        """Tell one sample."""
        ours: Any = self
        self._tell({ours._logging_step: {f"{ours._metrics_prefix}{key}": value for key, value in metrics.items()}})
        ours._logging_step += 1
        for monitor in ours.monitors:
            monitor.clear_metrics()


@contextmanager
def system_metrics(run_id: str, tell: Tell) -> Iterator[None]:
    """Sample processor, memory and GPU use while the block works.

    Args:
        run_id: Whose samples these are.
        tell: Told the metrics of each step.
    """
    monitor: Any = _Monitor(run_id, tell)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()
