"""Evaluate a model: restore the test pairs, score each image, and compare with the baselines on the same images.

Knows Pairs, metrics and baselines. Does not know how the model was trained. Nothing here draws noise for the
model: the corruption lies in the pairs (see `daecore.corruption.pairs`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from daecore.corruption.pairs import draw_pairs, enlarge, evaluation_digest
from daecore.data.samples import Pairs, as_float
from daecore.device import Precision
from daecore.errors import InputError, NonFiniteError
from daecore.evaluation.baselines import Baseline, Baselines
from daecore.evaluation.further_metrics import MetricScore, measure, summarise
from daecore.model.restore import restore
from daecore.plugin.kinds import Metric
from daecore.plugin.spec import Spec
from daecore.rng import stream
from daecore.stats.intervals import Interval, bootstrap
from daecore.stats.metrics import decibel, image_mse, pooled_psnr, squared_error, ssim

__all__ = ["BaselineScore", "DenoisingReport", "Evaluation", "draw_pairs", "evaluate", "restore"]

Scores = dict[str, NDArray[Any]]


class BaselineScore(BaseModel):
    """One baseline's means.

    Attributes:
        name: The method.
        db: Mean PSNR in dB; None for points.
        mse: Mean squared error.
        strength: What validation chose; None where the method has no strength.
        images: How many test samples it was measured on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    db: float | None
    mse: float
    strength: float | None
    images: int


class DenoisingReport(BaseModel):
    """How well a model restores. All dB are means of per-image PSNR, but for ``pooled_db``.

    Attributes:
        unit: In which unit the headline is: dB for images, squared error for points.
        images: How many test samples were restored.
        corrupted_db: The corrupted images as they came (enlarged bilinearly where they were smaller).
        restored_db: The restored images.
        pooled_db: PSNR of one mean squared error over the whole set.
        ssim: Mean structural similarity of the restored images.
        mse: Mean squared error of the restored samples.
        corrupted_mse: That of the corrupted ones.
        best_baseline: The best that needs no network.
        baselines: Every baseline, by name.
        gain_db: Restored minus best baseline, paired over the images this one was measured on, bootstrap 95 %.
        gain_over_corrupted_db: The same against the corrupted images as they came.
        gain_over_linear_db: The same against the linear map; None where there is none.
        gain_mse: Points: the best baseline's squared error minus the restored one's, so that more is better.
        gain_over_corrupted_mse: Points: the same against the corrupted ones; None where they have no such error.
        metrics: What further metrics say, by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    unit: Literal["dB", "squared error"]
    images: int
    corrupted_db: float | None
    restored_db: float | None
    pooled_db: float | None
    ssim: float | None
    mse: float
    corrupted_mse: float | None
    best_baseline: BaselineScore
    baselines: dict[str, BaselineScore]
    gain_db: Interval | None = None
    gain_over_corrupted_db: Interval | None = None
    gain_over_linear_db: Interval | None = None
    gain_mse: Interval | None = None
    gain_over_corrupted_mse: Interval | None = None
    metrics: dict[str, MetricScore] = Field(default={})

    @property
    def gain(self) -> Interval | None:
        """The lead over the best baseline, in the report's own unit; more is better."""
        return self.gain_db or self.gain_mse

    @property
    def gain_over_corrupted(self) -> Interval | None:
        """The lead over what the model was given, in the report's own unit; more is better."""
        return self.gain_over_corrupted_db or self.gain_over_corrupted_mse


@dataclass(frozen=True)
class Evaluation:
    """A report with what it was made of.

    Attributes:
        report: The summary.
        scores: Per sample, ``(N,)`` each: ``index``, ``mse``, ``corrupted_mse``; for images also ``psnr_db``,
            ``ssim``, ``corrupted_db``; of further metrics ``metric.NAME`` and ``corrupted.metric.NAME``.
        digest: SHA-256 that names the pairs: only evaluations with one digest may be paired.
    """

    report: DenoisingReport
    scores: Scores
    digest: str


def evaluate(
    model: nn.Module,
    pairs: Sequence[Pairs],
    baselines: Baselines,
    metrics: Sequence[Spec[Metric]] = (),
    *,
    precision: Precision = "float32",
) -> Evaluation:
    """Restore all pairs and compare with the baselines.

    Args:
        model: Maps a corrupted batch to a clean one; on the pairs' device.
        pairs: One per test group, in the order in which the baselines were measured on them.
        baselines: Measured on the same pairs.
        metrics: What else is measured.
        precision: ``bf16`` runs the model, not the scores, in mixed precision.

    Raises:
        InputError: The baselines were measured on other pairs, or a metric gives something else than its kind does.
        NonFiniteError: Some restored sample is not finite, or a value of a metric.
    """
    total = sum(map(len, pairs))
    if evaluation_digest(pairs) != baselines.digest:
        raise InputError(
            f"evaluate() got {total} pairs that are not the ones the baselines were measured on. "
            "Give every test group, in the order of splits.test, with the same corruption to both."
        )
    groups = [_score(model, group, metrics, precision) for group in pairs]
    scores = {name: np.concatenate([group[name] for group in groups]) for name in groups[0]}
    scores["index"] = np.arange(total)
    return Evaluation(_report(scores, baselines, metrics), scores, baselines.digest)


def _score(
    model: nn.Module, pairs: Pairs, metrics: Sequence[Spec[Metric]], precision: Precision, size: int = 500
) -> Scores:
    """Scores of each sample of one group, restored and scored by the batch."""
    device = pairs.clean.device
    parts: list[dict[str, Tensor]] = []
    broken = 0
    for some in torch.arange(len(pairs)).split(size):
        corrupted = pairs.asked(some)
        restored = restore(model, corrupted, precision=precision)
        broken += int((~restored.flatten(1).isfinite().all(1)).sum())
        clean = as_float(pairs.clean.read(some.to(device)))
        finite = restored.nan_to_num()  # of others it is told below
        parts.append({**_measure(corrupted, restored, clean), **measure(metrics, corrupted, finite, clean)})
    if broken:
        raise NonFiniteError(
            f"The model restored {broken} of {len(pairs)} test samples to NaN or infinite "
            "values; finite ones were expected. Try training.precision=float32 or a lower training.learning_rate, "
            "and train again."
        )
    return {name: torch.cat([part[name] for part in parts]).cpu().numpy() for name in parts[0]}


def _measure(corrupted: Tensor, restored: Tensor, clean: Tensor) -> dict[str, Tensor]:
    """One batch's scores, ``(B,)`` each."""
    if clean.ndim != 4:
        return {"mse": squared_error(restored, clean), "corrupted_mse": squared_error(corrupted, clean)}
    mse, before = image_mse(restored, clean), image_mse(enlarge(corrupted, tuple(clean.shape[1:])), clean)
    return {
        "psnr_db": decibel(mse),
        "ssim": ssim(restored, clean),
        "mse": mse,
        "corrupted_db": decibel(before),
        "corrupted_mse": before,
    }


def _report(scores: Scores, baselines: Baselines, metrics: Sequence[Spec[Metric]]) -> DenoisingReport:
    images = "psnr_db" in scores
    best = baselines.best
    gain_db = _gain("psnr_db", scores, best) if images else None
    over_linear = _gain("psnr_db", scores, baselines["linear"]) if images and "linear" in baselines else None
    return DenoisingReport(
        unit="dB" if images else "squared error",
        images=len(scores["mse"]),
        corrupted_db=_mean(scores, "corrupted_db"),
        restored_db=_mean(scores, "psnr_db"),
        pooled_db=pooled_psnr(torch.from_numpy(scores["mse"])).item() if images else None,
        ssim=_mean(scores, "ssim"),
        mse=float(scores["mse"].mean()),
        corrupted_mse=_mean(scores, "corrupted_mse"),
        best_baseline=_summary(best),
        baselines={baseline.name: _summary(baseline) for baseline in baselines.baselines},
        gain_db=gain_db,
        gain_over_corrupted_db=_lead(scores["psnr_db"] - scores["corrupted_db"], "corrupted") if images else None,
        gain_over_linear_db=over_linear,
        gain_mse=None if images else _gain("mse", scores, best),
        gain_over_corrupted_mse=None if images else _lead(scores["corrupted_mse"] - scores["mse"], "corrupted"),
        metrics={metric.name: summarise(metric, scores) for metric in metrics},
    )


def _gain(column: Literal["psnr_db", "mse"], scores: Scores, baseline: Baseline) -> Interval:
    """The model's lead over one baseline, paired over the samples that one was measured on; more is better."""
    lead = scores[column][baseline.index] - getattr(baseline, column)
    return _lead(lead if column == "psnr_db" else -lead, baseline.name)


def _lead(values: NDArray[Any], over: str) -> Interval:
    """The mean of paired differences ``(N,)`` with its interval."""
    return bootstrap(values, generator=stream(0, "bootstrap", over))


def _mean(scores: Scores, name: str) -> float | None:
    return float(scores[name].mean()) if name in scores else None


def _summary(baseline: Baseline) -> BaselineScore:
    return BaselineScore(
        name=baseline.name,
        db=float(baseline.psnr_db.mean()) if baseline.psnr_db.size else None,
        mse=float(baseline.mse.mean()),
        strength=baseline.strength,
        images=len(baseline.index),
    )
