"""Candidates of a comparison: finished runs with what each was scored by, read from their artifacts."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daecore.errors import StoreError, in_a_line
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

    @property
    def seed(self) -> int:
        """The experiment's seed."""
        return int(self.experiment.get("seed", 0))

    @property
    def measures(self) -> list[Measure]:
        """What it can be compared by: images by PSNR and SSIM, points by squared error."""
        images = "psnr_db" in self.scores
        return [
            measure for measure in MEASURES if measure.column in self.scores and (measure.column != "mse") == images
        ]

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
    """One run from its report and its scores.

    Raises:
        StoreError: It has none, or they are damaged.
    """
    kept = tracking.artifact(run.info.run_id, "report.json")
    if not kept.is_file():
        raise StoreError(f"The run {run.info.run_id} ({run.info.run_name}) is {run.info.status} and has no report.")
    evaluation, scores = read_scores(tracking.artifact(run.info.run_id, "per_image.npz"))
    try:
        report = json.loads(kept.read_text(encoding="utf-8"))
        training = report["training"]
        return Candidate(
            run_id=run.info.run_id, name=run.info.run_name, evaluation=evaluation, scores=scores,
            experiment=report["experiment"], dataset=report["dataset"]["sha256"], seconds=training["seconds"],
            facts=_facts(run, report), gain=_gain(report.get("denoising") or {}),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = in_a_line(repr(error))
        raise StoreError(f"{kept} is not a report that daecore wrote: {said}.") from None


def _facts(run: Run, report: Mapping[str, Any]) -> dict[str, str]:
    """Commit and versions, plugins, device."""
    made = {name: run.data.tags.get(name, "-") for name in ENVIRONMENT}
    device = {name: str(report["training"][name]) for name in DEVICE}
    return {**made, **{f"{PLUGIN}{name}": origin for name, origin in report["plugins"].items()}, **device}


def _gain(denoising: Mapping[str, Any]) -> Interval | None:
    found = denoising.get("gain_db") or denoising.get("gain_mse")
    return Interval.model_validate(found) if found else None


def read_scores(path: Path) -> tuple[str, dict[str, NDArray[Any]]]:
    """The evaluation's digest, and the scores by column."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            scores = {name: arrays[name] for name in arrays.files}
        return str(scores.pop("digest")), scores
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(f"The scores {path} cannot be read: {in_a_line(repr(error))}.") from None
