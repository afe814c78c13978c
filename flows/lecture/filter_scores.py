"""First-layer filters and their scores: what each way of teaching gave, over filters and over seeds.

Knows filters and numbers. Does not train.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from daecore.gabor import fit_gabor
from daecore.intervals import Interval, bootstrap, student
from daecore.rng import stream
from daecore.tuning import grain, orientation_selectivity, support

from ..series.study import Measured, Table

GABOR_LIKE = 0.5  # a filter counts as Gabor-like where both scores are above
PLAIN, DECAY = "plain", "weight_decay"
NAMES = {"r2": "Gabor fit, R^2", "selectivity": "orientation selectivity", "gabor_like": "share of Gabor-like filters"}
SIZES = {"support": "support, pixels", "grain": "grain, pixels"}
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
        """Per filter, ``(K,)``: ``r2``, ``selectivity``, ``gabor_like`` (0 or 1); ``support``, ``grain`` in pixels."""
        r2, selectivity = fit_gabor(self.filters).r2, orientation_selectivity(self.filters)
        like = ((r2 > GABOR_LIKE) & (selectivity > GABOR_LIKE)).double()
        found = {"r2": r2, "selectivity": selectivity, "gabor_like": like}
        found |= {"support": support(self.filters), "grain": grain(self.filters)}
        return {name: values.cpu().numpy() for name, values in found.items()}

    @property
    def best_first(self) -> Tensor:
        """The filters, the best Gabor fit first."""
        return self.filters[np.argsort(-self.scores["r2"]).copy()]


Sheets = Mapping[str, Sequence[Sheet]]  # by the name of what was taught, a sheet per seed, 0 first


def noise(count: int, side: int) -> Sheet:
    """Filters of independent Gaussian numbers: what a fit makes of nothing."""
    return Sheet(torch.randn((count, side, side), generator=stream(0, "filters", "noise")))


def mean(sheets: Sequence[Sheet], score: str) -> Interval:
    """A score's mean: over seeds where there are two or more (Student), else over the filters (bootstrap)."""
    if len(sheets) > 1:
        return student([float(sheet.scores[score].mean()) for sheet in sheets])
    return bootstrap(sheets[0].scores[score], generator=stream(0, "bootstrap", "filters"))


def difference(sheets: Sequence[Sheet], others: Sequence[Sheet], score: str) -> Interval:
    """By how much a score's mean is higher, paired: seed by seed, or, with a single seed, filter by filter.

    Filters of one place began as the same random numbers in both networks, as they share the seed.
    """
    pairs = [sheet.scores[score] - other.scores[score] for sheet, other in zip(sheets, others, strict=True)]
    if len(pairs) > 1:
        return student([float(pair.mean()) for pair in pairs])
    return bootstrap(pairs[0], generator=stream(0, "bootstrap", "filters"))


def strongest(taught: Sequence[Taught], sheets: Sheets) -> dict[str, Taught]:
    """Of each family the strength whose filters score best with the first seed: the same choice for all."""
    families: dict[str, Taught] = {}
    for row in taught:
        rival = families.get(row.family)
        if rival is None or _first(sheets, row) > _first(sheets, rival):
            families[row.family] = row
    return families


def figures(sheets: Sheets, best: Mapping[str, Taught]) -> Iterator[tuple[str, Measured]]:
    """The means by name, ``r2.gaussian-1.5``; the leads over weight decay, ``r2.gaussian.over_weight_decay``."""
    for name, some in sheets.items():
        for score, unit in {**dict.fromkeys(NAMES, ""), **dict.fromkeys(SIZES, "px")}.items():
            yield f"{score}.{name}", Measured.of(mean(some, score), unit)
    for family, row in best.items():
        for score in () if family in (PLAIN, DECAY) else NAMES:
            lead = difference(sheets[row.name], sheets[best[DECAY].name], score)
            yield f"{score}.{family}.over_{DECAY}", Measured.of(lead)


def table(title: str, words: Mapping[str, str], sheets: Sheets) -> Table:
    """A row per way of teaching: means with their intervals, and over how many seeds."""
    head = ("taught by", *NAMES.values(), *SIZES.values(), "seeds")
    forms = {**dict.fromkeys(NAMES, ".2f"), **dict.fromkeys(SIZES, ".1f")}
    rows = [
        (words[name], *(_said(mean(some, score), form) for score, form in forms.items()), len(some))
        for name, some in sheets.items()
    ]
    return Table(title, head, tuple(rows))


def notes(sheets: Sheets, best: Mapping[str, Taught], floor: Sheet) -> Iterator[str]:
    """What each denoising family gives beside weight decay, and what a fit makes of noise."""
    decay = best[DECAY]
    for family, row in best.items():
        if family in (PLAIN, DECAY):
            continue
        leads = {score: difference(sheets[row.name], sheets[decay.name], score) for score in NAMES}
        said = "; ".join(f"{NAMES[score]} {_said(lead, '+.2f')}" for score, lead in leads.items())
        yield f"{row.words[0].upper()}{row.words[1:]} beside the best {decay.words}: {said}. {verdict(leads)}"
    r2, selectivity = (float(floor.scores[it].mean()) for it in ("r2", "selectivity"))
    yield (
        f"Filters of random numbers score R^2 {r2:.2f} and selectivity {selectivity:.2f}: this is nothing. A single "
        f"bright pixel has a high R^2, as it is like a very small wave, but no orientation; hence a filter counts as "
        f"Gabor-like only with both above {GABOR_LIKE}."
    )
    count = max(map(len, sheets.values()))
    yield (
        f"Strengths were chosen by their R^2 with the first seed, weight decay's too; what was chosen has {count} "
        "seeds, and its intervals are Student's over seeds. The others' are over filters and say nothing of luck."
        if count > 1
        else "One seed each: these intervals are over filters and say nothing of luck in training."
    )


def verdict(leads: Mapping[str, Interval]) -> str:
    """Which way the three scores speak, all of them surely or not."""
    if all(lead.low > 0 for lead in leads.values()):
        return "Denoising beats weight decay on every score."
    if all(lead.high < 0 for lead in leads.values()):
        return "Denoising does not beat weight decay: weight decay is better on every score."
    return "Denoising does not beat weight decay on every score: an interval contains zero, or lies below it."


def growth(sheets: Sheets, least: str, most: str) -> str:
    """Whether filters are coarser and wider with more of the picture masked, as a sentence."""
    coarser, wider = (difference(sheets[most], sheets[least], it) for it in ("grain", "support"))
    return (
        f"Digits, from no masking to the strongest: the filters' grain gets {_way(coarser, 'coarser', 'finer')} "
        f"({_said(coarser, '+.2f')} pixels), and their energy lies on {_way(wider, 'more', 'fewer')} pixels "
        f"({_said(wider, '+.1f')})."
    )


def _way(change: Interval, up: str, down: str) -> str:
    return (up if change.mean > 0 else down) if change.conclusive else f"neither surely {up} nor {down}"


def _first(sheets: Sheets, row: Taught) -> float:
    return float(sheets[row.name][0].scores["r2"].mean())


def _said(interval: Interval, form: str = ".2f") -> str:
    return f"{interval.mean:{form}} [{interval.low:{form}}, {interval.high:{form}}]"
