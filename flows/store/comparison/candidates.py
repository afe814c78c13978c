"""Candidates of a comparison: finished runs with what each was scored by, read from their artifacts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, field_validator

from daecore.data.arrays import load_arrays
from daecore.errors import StoreError, in_a_line
from daecore.evaluation.further_metrics import COLUMN
from daecore.plugin.spec import explain
from daecore.stats.intervals import Interval

from .. import lookup, tracking
from ..tracking import Run
from .compared import MEASURES, Measure

ENVIRONMENT = ("git", "daecore", "torch", "python")  # a run's tags that say by what it was made
DEVICE = ("device", "precision", "threads")
PLUGIN = "plugin "  # begins a fact that says where a plugin came from
SWEEP = "sweep"  # the stage of a run that holds others


@dataclass(frozen=True)
class Candidate:
    """A run as it was read.

    Attributes:
        run_id: Its MLflow run.
        name: What it is called there.
        evaluation: SHA-256 of the pairs it was evaluated on.
        scores: Per test sample, ``(N,)`` each, by column.
        experiment: What it was asked to do.
        dataset: SHA-256 of the dataset's tensors.
        seconds: What its training took.
        facts: Where and by what it was made: commit, plugins, device; no option of the experiment.
        gain: Its lead over its best baseline, over test samples.
        further: The further metrics it was scored by.
    """

    run_id: str
    name: str
    evaluation: str
    scores: Mapping[str, NDArray[Any]]
    experiment: Mapping[str, Any]
    dataset: str = ""
    seconds: float = 0.0
    facts: Mapping[str, str] = field(default_factory=dict)
    gain: Interval | None = None
    further: tuple[Measure, ...] = ()

    @property
    def seed(self) -> int:
        """The experiment's seed."""
        return int(self.experiment.get("seed", 0))

    @property
    def measures(self) -> list[Measure]:
        """What it can be compared by: images by PSNR and SSIM, points by squared error; and further metrics."""
        images = "psnr_db" in self.scores
        own = [measure for measure in MEASURES if (measure.column != "mse") == images]
        return [measure for measure in (*own, *self.further) if measure.column in self.scores]

    @property
    def means(self) -> dict[str, float]:
        """The mean of each measure over the test samples."""
        return {measure.column: float(self.scores[measure.column].mean()) for measure in self.measures}


def read_candidates(texts: Sequence[str]) -> tuple[list[Candidate], dict[str, str]]:
    """The runs that are meant, each once, in their order; and those that cannot be read, with the reason.

    Args:
        texts: Ids, beginnings of ids, unique names, or registered models; see `lookup.find_run`. A sweep stands for
            its runs.

    Raises:
        InputError: A text means no run, or several.
    """
    candidates, left_out = [], {}
    for run in {run.info.run_id: run for text in texts for run in _resolve(text)}.values():
        try:
            candidates.append(_candidate(run))
        except StoreError as error:
            left_out[run.info.run_id] = str(error)
    return candidates, left_out


def panels(candidates: Sequence[Candidate]) -> dict[str, bytes]:
    """The panel of each run that has one, as PNG, by run."""
    paths = {one.run_id: tracking.artifact(one.run_id, "panel.png") for one in candidates}
    return {run: path.read_bytes() for run, path in paths.items() if path.is_file()}


def _resolve(text: str) -> list[Run]:
    """The run that is meant; of a sweep all its runs, the first one first."""
    found = lookup.find_run(text, stages=("denoise", SWEEP))
    if found.data.tags["stage"] != SWEEP:
        return [found]
    return tracking.runs(f"{tracking.WHOLE} and tags.`{tracking.PARENT}` = '{found.info.run_id}'")[::-1]


def _candidate(run: Run) -> Candidate:
    """One run from its artifacts.

    Raises:
        StoreError: It has no report, or its report or its scores are damaged.
    """
    report = tracking.artifact(run.info.run_id, "report.json")
    if not report.is_file():
        raise StoreError(f"The run {run.info.run_id} ({run.info.run_name}) is {run.info.status} and has no report.")
    return read_candidate(run, report, tracking.artifact(run.info.run_id, "per_image.npz"))


def read_candidate(run: Run, report: Path, scores: Path) -> Candidate:
    """One run from its report and its scores, which may be anybody's.

    Args:
        run: As MLflow knows it.
        report: Its ``report.json``.
        scores: Its ``per_image.npz``.

    Raises:
        StoreError: They are not what daecore wrote.
    """
    evaluation, columns = read_scores(scores)
    found = _read_report(report)
    return Candidate(
        run_id=run.info.run_id, name=run.info.run_name, evaluation=evaluation, scores=columns,
        experiment=found.experiment, dataset=found.dataset.sha256, seconds=found.training.seconds,
        facts=_facts(run, found), gain=found.gain, further=found.further,
    )  # fmt: skip


class _Part(BaseModel):
    """What is read of a report; the rest of it is not looked at."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Dataset(_Part):
    sha256: str


class _Training(_Part):
    seconds: float
    device: str
    precision: str
    threads: int


class _Metric(_Part):
    unit: str
    higher_is_better: bool


class _Denoising(_Part):
    gain_db: Interval | None = None
    gain_mse: Interval | None = None
    metrics: dict[str, _Metric] = {}


class _Report(_Part):
    experiment: dict[str, JsonValue]
    dataset: _Dataset
    training: _Training
    plugins: dict[str, str]
    denoising: _Denoising | None = None

    @field_validator("experiment")
    @classmethod
    def _can_be_run(cls, found: dict[str, Any]) -> dict[str, Any]:
        """What is compared is an experiment of this version; plugins need not be there any more."""
        chain = found.get("corruptions", [])
        if not isinstance(found.get("seed", 0), int) or not isinstance(chain, list):
            raise ValueError("its seed or its corruptions are none")
        if not all(isinstance(it, dict) and len(it) == 1 and isinstance(next(iter(it.values())), dict) for it in chain):
            raise ValueError("a corruption is written {name: {option: value}}")
        return found

    @property
    def gain(self) -> Interval | None:
        return None if self.denoising is None else self.denoising.gain_db or self.denoising.gain_mse

    @property
    def further(self) -> tuple[Measure, ...]:
        metrics = {} if self.denoising is None else self.denoising.metrics
        return tuple(
            Measure(
                column=f"{COLUMN}{name}",
                label=f"{name} / {metric.unit}" if metric.unit else name,
                digits=4,
                more_is_better=metric.higher_is_better,
            )
            for name, metric in metrics.items()
        )


def _read_report(path: Path) -> _Report:
    try:
        return _Report.model_validate_json(path.read_bytes())
    except ValidationError as error:
        said = explain(error, "report", first=True)
    except OSError as error:
        said = str(error)
    raise StoreError(f"{path} is not a report that daecore wrote: {in_a_line(said)}.")


def _facts(run: Run, report: _Report) -> dict[str, str]:
    """Commit and versions, plugins, device."""
    made = {name: run.data.tags.get(name, "-") for name in ENVIRONMENT}
    device = {name: str(getattr(report.training, name)) for name in DEVICE}
    return {**made, **{f"{PLUGIN}{name}": origin for name, origin in report.plugins.items()}, **device}


def read_scores(path: Path) -> tuple[str, dict[str, NDArray[Any]]]:
    """The evaluation's digest, and the scores by column, ``(N,)`` each.

    Args:
        path: A ``per_image.npz``.

    Raises:
        StoreError: The file is missing, damaged or something else.
    """
    try:
        scores = load_arrays(path)
        digest = str(scores.pop("digest"))
        shapes = {it.shape for it in scores.values()}
        numbers = all(it.dtype.kind in "iuf" and np.isfinite(it).all() for it in scores.values())
        if "mse" not in scores or shapes != {(scores["mse"].size,)} or not (numbers and scores["mse"].size):
            raise ValueError("they are not one finite number of each kind for each sample")
        return digest, scores
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(f"The scores {path} cannot be read: {in_a_line(str(error) or repr(error))}.") from None
