"""The end of a run, as it is kept: the report that `--report` writes, and where it lies."""

from typing import Any

from pydantic import Field

from daecore.evaluation.denoising import DenoisingReport
from daecore.evaluation.sampling import SamplingReport
from daecore.experiment.experiment import Experiment
from daecore.record import Record
from daecore.uncertainty.report import ErrorBarsReport

from .file_ref import FileRef
from .layout import LAYOUT
from .model_ref import TrainingSummary
from .store import Store


class Reported(Record):
    """The end of a run: where its report lies."""

    run_id: str
    report: FileRef


class FinalReport(Record):
    """What `--report` writes."""

    experiment: dict[str, Any]
    digest: str
    mlflow: dict[str, str]
    prefect: dict[str, str]
    dataset: dict[str, Any]
    denoising: DenoisingReport
    sampling: SamplingReport | None = None
    error_bars: ErrorBarsReport | None = None
    transfer: list[dict[str, Any]]
    differences: list[dict[str, Any]]
    training: TrainingSummary
    seconds: dict[str, float]
    reused: list[str]
    plugins: dict[str, str]
    computed: dict[str, dict[str, str]] = Field(default={})
    files: dict[str, str]
    layout: int = LAYOUT


def model_name(experiment: Experiment) -> str:
    """Under which name networks for this task are registered: ``mnist-erasure-0.5``."""
    parts = [experiment.dataset.name]
    for item in experiment.corruptions:
        strength = item.extension.strength
        parts += [item.name, *([f"{getattr(item.options, strength.option):g}"] if strength else [])]
    return "-".join(parts if experiment.corruptions else [*parts, "uncorrupted"])


def final_report(reported: Reported, store: Store) -> FinalReport:
    """The final report of a run, as it was written."""
    return FinalReport.model_validate_json(reported.report.absolute(store).read_text(encoding="utf-8"))
