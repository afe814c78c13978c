"""The sampling report: how well samples of p(x given y) are samples of it, each measure beside its ideal and its floor.

A measure carries the band in which it passes. The bands were set before anything was measured. Knows measures as
records, and makes those of consistency. Does not know how realism is measured: see `daecore.evaluation.realism`.
"""

from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import Literal

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from daecore.evaluation.consistency import (
    coverage,
    error_over_mean,
    error_over_own_mean,
    ideal_coverage,
    require_samples,
    variance_by_decile,
)
from daecore.rng import stream
from daecore.stats.intervals import LEVEL, Interval
from daecore.stats.ratio import FEWEST, Ratio

Verdict = Literal["passed", "failed", "open", "told", "not measured"]
OWN_MEAN, MEAN, COVERAGE, VARIANCE = 0.03, 0.05, 0.03, 0.1  # half of a band, around the ideal
COUNTS = 0.05  # of all squared error, from which on a decile counts
FOR_HALVES = 4  # samples from which the deciles of an unknown deviation can be told


class SamplingMeasure(BaseModel):
    """One measure of a sampler.

    Attributes:
        name: What it is, in a few words.
        value: With its 95 % interval; None where it was not measured.
        ideal: What an exact sampler has; None where there is no such number.
        low: The least value that passes; None: no value is too small.
        high: The largest one that passes; None: no value is too large.
        floor: What the same measure gives for something that is right by construction.
        floor_is: What that is, in a few words.
        reason: Why it was not measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    value: Interval | None = None
    ideal: float | None = None
    low: float | None = None
    high: float | None = None
    floor: Interval | None = None
    floor_is: str = ""
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """Passed in the band; failed where the whole interval lies outside; open between; told where there is none."""
        if self.value is None:
            return "not measured"
        if self.low is None and self.high is None:
            return "told"
        low, high = (
            (float("-inf") if self.low is None else self.low),
            (float("inf") if self.high is None else self.high),
        )
        if low <= self.value.mean <= high:
            return "passed"
        return "failed" if self.value.high < low or self.value.low > high else "open"


class DecileMeasure(BaseModel):
    """Predicted over observed variance in a tenth of all values.

    Attributes:
        number: From 1, the least predicted variance, to 10.
        share: The part of all squared error that lies in it.
        ratio: Predicted over observed variance; None where too few pictures have any.
        counts: Whether the share is large enough for a verdict.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    number: int
    share: float
    ratio: Interval | None
    counts: bool


class SamplingReport(BaseModel):
    """All measures of a sampler on one set of pictures.

    Attributes:
        pictures: How many there were, of pictures or points.
        draws: How many samples of each.
        measures: By a short name.
        deciles: The variance ratio, decile by decile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pictures: int
    draws: int
    measures: dict[str, SamplingMeasure]
    deciles: tuple[DecileMeasure, ...] = ()

    def with_measures(self, more: Mapping[str, SamplingMeasure]) -> "SamplingReport":
        """The same report with further measures after its own."""
        return self.model_copy(update={"measures": {**self.measures, **more}})


def measure_consistency(
    truth: Tensor, samples: Tensor, mean: Tensor, *, exact_std: Tensor | None = None, seed: int = 0
) -> SamplingReport:
    """Whether samples are as far from the truth, as wide and as wide apart as exact ones are.

    The floor of a measure is the sampler held against itself: one of its samples in the truth's place. That is right
    by construction, and shows what chance leaves with so many pictures.

    Args:
        truth: float32 ``(N, *shape)``, pictures or points.
        samples: float32 ``(K, N, *shape)``, K >= 2.
        mean: float32 ``(N, *shape)``, what the network answers where it is to give the mean: at t = 0.
        exact_std: float32 ``(N, *shape)``, the standard deviation of p(x given y), where it is known.
        seed: Names the stream of the bootstrap.

    Raises:
        InputError: The shapes do not go together, or samples are not finite.
    """
    require_samples(truth, samples)
    alone, rest = (samples[-1], samples[:-1]) if len(samples) > 2 else (None, samples)
    floors = {} if alone is None else _ratios(alone, rest, mean, exact_std)
    shift = ideal_coverage(len(samples)) - ideal_coverage(len(rest))
    ideals = {"error_over_own_mean": (2.0, OWN_MEAN), "error_over_mean": (2.0, MEAN),
              "coverage": (ideal_coverage(len(samples)), COVERAGE)}  # fmt: skip
    measures = {}
    for key, ratio in _ratios(truth, samples, mean, exact_std).items():
        ideal, band = ideals[key]
        floor = _interval(floors[key], seed, key) if key in floors and key != "error_over_mean" else None
        if floor is not None and key == "coverage":
            floor = _shifted(floor, shift)
        measures[key] = _measure(NAMES[key], _interval(ratio, seed, key), ideal, band, floor)
    deciles = tuple(_deciles(truth, samples, exact_std, seed))
    itself = () if alone is None else tuple(_deciles(alone, rest, exact_std, seed))
    measures["variance"] = _worst(deciles, itself, len(samples))
    return SamplingReport(pictures=len(truth), draws=len(samples), measures=measures, deciles=deciles)


NAMES = {
    "error_over_own_mean": "error of a sample over that of its own mean",
    "error_over_mean": "error of a sample over that of the mean answer",
    "coverage": "span of the samples holds the truth",
    "variance": "predicted over observed variance, worst decile",
}
ITSELF = "the sampler against itself"
NOTHING = f"fewer than {FEWEST} pictures have any uncertain value"


def _ratios(truth: Tensor, samples: Tensor, mean: Tensor, exact_std: Tensor | None) -> dict[str, Ratio]:
    return {
        "error_over_own_mean": error_over_own_mean(truth, samples),
        "error_over_mean": error_over_mean(truth, samples, mean),
        "coverage": coverage(truth, samples, exact_std),
    }


def _measure(name: str, value: Interval | None, ideal: float, band: float, floor: Interval | None) -> SamplingMeasure:
    return SamplingMeasure(
        name=name, value=value, ideal=ideal, low=ideal - band, high=ideal + band, floor=floor,
        floor_is=ITSELF if floor else "", reason="" if value else NOTHING,
    )  # fmt: skip


def _deciles(truth: Tensor, samples: Tensor, exact_std: Tensor | None, seed: int) -> Iterator[DecileMeasure]:
    if len(samples) < FOR_HALVES and exact_std is None:
        return
    for it in variance_by_decile(truth, samples, exact_std):
        ratio = _interval(it.ratio, seed, "decile", it.number)
        yield DecileMeasure(
            number=it.number, share=it.share, ratio=ratio, counts=it.share >= COUNTS and ratio is not None
        )


def _worst(deciles: tuple[DecileMeasure, ...], itself: tuple[DecileMeasure, ...], draws: int) -> SamplingMeasure:
    """The decile that is farthest from 1, of those that count."""
    found = [it.ratio for it in deciles if it.counts and it.ratio is not None]
    if not found:
        few = f"{draws} samples cannot be halved to sort by the one half and measure the other; draw {FOR_HALVES}"
        return SamplingMeasure(name=NAMES["variance"], reason=NOTHING if deciles else few)
    floors = [it.ratio for it in itself if it.counts and it.ratio is not None]
    return _measure(NAMES["variance"], _farthest(found), 1.0, VARIANCE, _farthest(floors) if floors else None)


def _farthest(found: list[Interval]) -> Interval:
    """The one farthest from 1; its interval is wide enough for all of them at once (Bonferroni, as if normal)."""
    worst, normal = max(found, key=lambda it: abs(it.mean - 1)), NormalDist()
    wider = normal.inv_cdf(1 - (1 - LEVEL) / 2 / len(found)) / normal.inv_cdf((1 + LEVEL) / 2)
    low, high = (worst.mean + wider * (end - worst.mean) for end in (worst.low, worst.high))
    return worst.model_copy(update={"low": low, "high": high})


def _interval(ratio: Ratio, seed: int, *names: str | int) -> Interval | None:
    return ratio.interval(stream(seed, "sampling", *names)) if ratio.enough else None


def _shifted(interval: Interval, by: float) -> Interval:
    """The same interval beside another ideal: the sampler against itself has one sample less."""
    ends = {name: getattr(interval, name) + by for name in ("mean", "low", "high")}
    return interval.model_copy(update=ends)
