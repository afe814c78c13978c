"""First-layer filters and their scores: what each way of teaching gave, over filters and over seeds.

Knows filters and numbers. Does not train.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from daecore import stream
from daecore.analysis import fit_gabor, grain, orientation_selectivity, support
from daecore.stats import Interval, bootstrap, student

GABOR_LIKE = 0.5  # a filter counts as Gabor-like where both scores are above
LIVING = 0.01  # a unit whose weights have a smaller norm is dead: it answers every patch alike, within half a percent
CONTROL, DECAY = "control", "weight_decay"
NAMES = {"r2": "Gabor fit, R^2", "selectivity": "orientation selectivity", "gabor_like": "share of Gabor-like filters"}
SIZES = {"support": "support, pixels", "grain": "grain, pixels"}
ALIVE = {"living": "share of living units"}
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Taught:
    """One way to teach the layer.

    Attributes:
        name: As figures call it, as ``gaussian-1.5``.
        words: As pictures call it.
        family: What it is a strength of.
        recipe: What is trained.
        changes: What differs from the recipe.
        quick: Whether it is trained where budgets are small.
    """

    name: str
    words: str
    family: str
    recipe: str
    changes: tuple[str, ...] = ()
    quick: bool = False


@dataclass(frozen=True)
class Sheet:
    """The filters of one network.

    Attributes:
        filters: ``(K, side, side)``.
    """

    filters: Tensor

    @classmethod
    def of(cls, network: nn.Module) -> "Sheet":
        """The rows of the network's first linear layer, as square pictures."""
        weight = next(it for it in network.modules() if isinstance(it, nn.Linear)).weight.detach()
        side = isqrt(weight.shape[1])
        return cls(weight.view(-1, side, side))

    @cached_property
    def scores(self) -> Mapping[str, Values]:
        """Per filter, ``(K,)``: ``r2``, ``selectivity``, ``gabor_like`` (0 or 1); ``support``, ``grain`` in pixels.

        ``living`` is 0 for a dead unit, as all else is then: the little that is left of its weights looks for nothing.
        """
        r2, selectivity = fit_gabor(self.filters).r2, orientation_selectivity(self.filters)
        like = ((r2 > GABOR_LIKE) & (selectivity > GABOR_LIKE)).double()
        found = {"r2": r2, "selectivity": selectivity, "gabor_like": like}
        found |= {"support": support(self.filters), "grain": grain(self.filters)}
        living = (self.filters.flatten(1).norm(dim=1) >= LIVING).double()
        alive = {name: values * living for name, values in found.items()} | {"living": living}
        return {name: values.cpu().numpy() for name, values in alive.items()}

    @property
    def best_first(self) -> Tensor:
        """The filters, the best Gabor fit first; those of dead units, which are last, are zero."""
        living = torch.from_numpy(self.scores["living"]).to(self.filters)
        return (self.filters * living[:, None, None])[np.argsort(-self.scores["r2"]).copy()]


# By the name of what was taught: the sheet of the seed that chooses, then those of the seeds that score.
Sheets = Mapping[str, Sequence[Sheet]]


@dataclass(frozen=True)
class Best:
    """What the first seed has chosen; other seeds score it.

    Attributes:
        of: The strength of each family whose filters fit Gabor functions best.
        ours: Of the denoising ones the best fit.
        rivals: By score, the strength of weight decay that is best on it.
    """

    of: Mapping[str, Taught]
    ours: Taught
    rivals: Mapping[str, Taught]

    @property
    def scored(self) -> tuple[Taught, ...]:
        """What is trained with more seeds, each once."""
        return tuple({row.name: row for row in (self.ours, *self.rivals.values())}.values())

    @property
    def denoising(self) -> Mapping[str, Taught]:
        """The families with noise."""
        return {family: row for family, row in self.of.items() if family not in (CONTROL, DECAY)}


def noise(count: int, side: int) -> Sheet:
    """Filters of independent Gaussian numbers: what a fit makes of nothing."""
    return Sheet(torch.randn((count, side, side), generator=stream(0, "filters", "noise")))


def mean(sheets: Sequence[Sheet], score: str) -> Interval:
    """A score's mean over the seeds that score (Student); with the first seed alone over its filters (bootstrap)."""
    if len(sheets) > 2:
        return student([float(sheet.scores[score].mean()) for sheet in sheets[1:]])
    return bootstrap(sheets[0].scores[score], generator=stream(0, "bootstrap", "filters"))


def difference(sheets: Sequence[Sheet], others: Sequence[Sheet], score: str) -> Interval:
    """By how much a score's mean is higher, paired: over the seeds that score, or, with one, filter by filter.

    Filters of one place began as the same random numbers in both networks, as they share the seed.
    """
    pairs = [sheet.scores[score] - other.scores[score] for sheet, other in zip(sheets, others, strict=False)]
    if len(pairs) > 2:
        return student([float(pair.mean()) for pair in pairs[1:]])
    return bootstrap(pairs[0], generator=stream(0, "bootstrap", "filters"))


def best_of(taught: Sequence[Taught], sheets: Sheets) -> Best:
    """What has the highest mean scores with the first seed; of those that are equal, the best Gabor fit."""

    def highest(rows: Sequence[Taught], score: str = "r2") -> Taught:
        first = {row.name: sheets[row.name][0].scores for row in rows}
        return max(rows, key=lambda row: (first[row.name][score].mean(), first[row.name]["r2"].mean()))

    families: dict[str, list[Taught]] = {}
    for row in taught:
        families.setdefault(row.family, []).append(row)
    of = {family: highest(rows) for family, rows in families.items()}
    ours = highest([row for family, row in of.items() if family not in (CONTROL, DECAY)])
    return Best(of, ours, {score: highest(families[DECAY], score) for score in NAMES})


def leads(sheets: Sheets, best: Best, row: Taught) -> dict[str, Interval]:
    """By how much the scores are higher than those of the weight decay that is best on each."""
    return {score: difference(sheets[row.name], sheets[best.rivals[score].name], score) for score in NAMES}
