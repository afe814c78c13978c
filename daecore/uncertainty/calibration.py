"""Calibration: thresholds that keep a promise, found on pictures that nobody was trained on.

Half of the pictures say how thresholds depend on width, the other half how high all of them must be. Knows scores and
widths as numbers. Does not know where they come from.

What is promised: of the uncertain values of pictures like these, all counted together, at least the level is expected
to lie within its bounds. The expectation is over the pictures here and the one to come, which must be exchangeable. It
is not promised for each picture.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from daecore.errors import InputError
from daecore.stats.metrics import decibel

UNCERTAIN = 0.05  # predicted standard deviation from which on a value counts, as in the sampler's licence
GROUPS = 16  # of equally many values by width: each has thresholds of its own
LEVELS = 1000  # steps from 0 to 1
DOUBLED = 40  # further steps, at which the largest thresholds are doubled: at the last one nothing is missed
LEAST = 1e-3  # of a threshold that is doubled
DB_LEVEL = 0.95  # of the promise of a picture's PSNR


@dataclass(frozen=True)
class Scored:
    """The values of N pictures, ``(N, D)`` each.

    Attributes:
        score: The least threshold at which bounds hold the truth.
        width: What thresholds may depend on.
        uncertain: bool: whether the value counts.
    """

    score: Tensor
    width: Tensor
    uncertain: Tensor

    def __len__(self) -> int:
        return len(self.score)

    def select(self, index: Tensor) -> "Scored":
        """Some of the pictures."""
        return Scored(self.score[index], self.width[index], self.uncertain[index])


@dataclass(frozen=True)
class Thresholds:
    """A threshold for each value, by its width; straight between the groups' middles.

    Attributes:
        width: float32 ``(2, GROUPS)``, the middle of each group, ascending: of certain values, then of uncertain ones.
        threshold: float32 ``(2, GROUPS)``.
    """

    width: Tensor
    threshold: Tensor

    def __call__(self, width: Tensor, uncertain: Tensor) -> Tensor:
        """The thresholds of values of any shape."""
        knots, values = self.width.to(width.device), self.threshold.to(width.device)
        found = [_between(width, *pair) for pair in zip(knots, values, strict=True)]
        return torch.where(uncertain, found[1], found[0])


@dataclass(frozen=True)
class Curves:
    """How thresholds depend on width, for every level.

    Attributes:
        width: float32 ``(2, GROUPS)``; see `Thresholds`.
        quantiles: float32 ``(2, LEVELS + 1, GROUPS)``, of the scores in each group.
    """

    width: Tensor
    quantiles: Tensor

    @classmethod
    def fit(cls, scored: Scored) -> "Curves":
        """The curves of some pictures."""
        parts = [_groups(scored.score[kind], scored.width[kind]) for kind in (~scored.uncertain, scored.uncertain)]
        return cls(torch.stack([width for width, _ in parts]), torch.stack([quantiles for _, quantiles in parts]))

    def at(self, step: int) -> Thresholds:
        """The thresholds at a level of ``step / LEVELS``; beyond 1 each step doubles the largest ones."""
        if step <= LEVELS:
            return Thresholds(self.width, self.quantiles[:, step])
        return Thresholds(self.width, self.quantiles[:, LEVELS].clamp_min(LEAST) * 2.0 ** (step - LEVELS))


def fit_thresholds(scored: Scored, level: float) -> Thresholds:
    """The lowest thresholds that keep the promise.

    With n pictures in the second half, of which picture i has ``u_i`` uncertain values of D and misses ``m_i``, the
    least level is taken at which ``sum_i (m_i - (1 - level) u_i) + level D <= 0``: the last term is the most that one
    more picture could add. Where the largest scores of the first half are not enough, their thresholds are doubled
    until they are.

    Args:
        scored: Of pictures that neither network was trained on.
        level: What share is to lie within the bounds.

    Raises:
        InputError: There are too few pictures for this level.

    Source: Angelopoulos, Bates, Fisch, Lei and Schuster, "Conformal risk control", ICLR 2024, theorem 1.
    """
    order = torch.arange(len(scored))
    curves, held = Curves.fit(scored.select(order[::2])), scored.select(order[1::2])
    allowed = (1 - level) * float(held.uncertain.sum()) - level * held.score[0].numel()
    if allowed < 0:
        raise _too_few(scored, level)
    low, high = 0, LEVELS + DOUBLED
    while low < high:
        middle = (low + high) // 2
        if _missed(curves.at(middle), held) <= allowed:
            high = middle
        else:
            low = middle + 1
    return curves.at(low)


def fit_constant(errors: Tensor, uncertain: Tensor, level: float) -> float:
    """Half of the one width for all values that keeps the same promise: what other bounds are compared with.

    Args:
        errors: ``(N, D)``, absolute ones.
        uncertain: bool ``(N, D)``.
        level: What share is to lie within the bounds.
    """
    found = errors[uncertain].double().sort().values
    missed = (1 - level) * len(found) - level * errors[0].numel()
    return float(found[max(0, len(found) - 1 - max(0, math.floor(missed)))])


def fit_decibels(measured: Tensor, predicted: Tensor, level: float = DB_LEVEL) -> float:
    """What is added to a predicted PSNR, so that with this probability a picture has at least so many dB.

    It is the ``floor((1 - level) (n + 1))``-th smallest difference of n pictures.

    Args:
        measured: PSNR of pictures that neither network was trained on, ``(n,)``.
        predicted: The PSNR of the expected squared error, ``(n,)``.
        level: The probability, over pictures like these.

    Raises:
        InputError: There are too few pictures for this level.

    Source: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005: split conformal prediction.
    """
    rank = math.floor((1 - level) * (len(measured) + 1) + 1e-9)
    if rank < 1:
        needed = math.ceil(1 / (1 - level) - 1e-9) - 1
        raise InputError(
            f"A promise of the PSNR that holds for {level:.0%} of pictures needs {needed} validation pictures, and "
            f"there are {len(measured)}. Give the dataset more of them."
        )
    return float((measured - predicted).sort().values[rank - 1])


def predicted_psnr(squared_error: Tensor) -> Tensor:
    """The PSNR of the squared error that is expected of each picture, ``(B, ...)`` to ``(B,)``, in dB."""
    return decibel(squared_error.flatten(1).mean(1))


def require_count(count: int, level: float) -> None:
    """Refuse validation pictures that are too few whatever is uncertain in them, before anything is trained.

    Args:
        count: How many there are.
        level: What share is to lie within the bounds.

    Raises:
        InputError: They are too few.
    """
    needed = max(2 * math.ceil(level / (1 - level) - 1e-9), math.ceil(1 / (1 - DB_LEVEL) - 1e-9) - 1)
    if count < needed:
        raise InputError(
            f"Error bars at {level:.1%}, and a promise of the PSNR at {DB_LEVEL:.0%}, need at least {needed:,} "
            f"validation pictures, and this dataset has {count:,}. Give it more of them, lower error_bars.level, or "
            "leave error_bars out."
        )


def _too_few(scored: Scored, level: float) -> InputError:
    """How many pictures a level needs."""
    counted = float(scored.uncertain.double().sum(1).mean())
    if counted == 0:
        return InputError(
            f"No value of the {len(scored)} validation pictures is uncertain: all are predicted to within "
            f"{UNCERTAIN}, so there is nothing to promise. Error bars are for stronger corruption."
        )
    needed = 2 * math.ceil(level / (1 - level) * scored.score[0].numel() / counted)
    return InputError(
        f"Error bars that hold {level:.1%} of the uncertain values need about {needed:,} validation pictures, and "
        f"there are {len(scored):,}. Give the dataset more of them, or lower error_bars.level. What "
        "was trained is in the cache: without error_bars the same command takes it from there."
    )


def _missed(thresholds: Thresholds, held: Scored) -> float:
    """How many uncertain values lie outside."""
    outside = held.score > thresholds(held.width, held.uncertain)
    return float((outside & held.uncertain).sum())


def _groups(score: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
    """The middle width of each group ``(GROUPS,)`` and the quantiles of its scores ``(LEVELS + 1, GROUPS)``."""
    if len(score) < GROUPS:  # hardly any such value: they have the widest bounds there are
        return torch.linspace(0, 1, GROUPS), torch.full((LEVELS + 1, GROUPS), float(score.max()) if len(score) else 1.0)
    order = width.argsort(stable=True)
    parts: Sequence[Tensor] = order.tensor_split(GROUPS)
    at = torch.arange(LEVELS + 1).double() / LEVELS
    quantiles = torch.stack([_quantiles(score[part], at) for part in parts], 1)
    return torch.stack([width[part].median() for part in parts]), quantiles


def _quantiles(score: Tensor, at: Tensor) -> Tensor:
    """Each as the smallest score that so large a share does not exceed."""
    found = score.sort().values
    return found[(at * len(found)).ceil().long().sub(1).clamp_min(0)]


def _between(width: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Straight between knots, constant beyond them."""
    inside = width.clamp(knots[0].item(), knots[-1].item())
    right = torch.searchsorted(knots.contiguous(), inside).clamp(1, len(knots) - 1)
    span = (knots[right] - knots[right - 1]).clamp_min(1e-12)
    share = ((inside - knots[right - 1]) / span).clamp(0, 1)
    return torch.lerp(values[right - 1], values[right], share)
