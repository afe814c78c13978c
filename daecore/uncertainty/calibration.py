"""Calibration: thresholds that keep a promise, found on pictures that nobody was trained on.

Half of the pictures say how thresholds depend on width, the other half how high all of them must be. Knows scores and
widths as numbers. Does not know where they come from.

What is promised: of the uncertain values of pictures like these, all counted together, at least the level is expected
to lie within its bounds. The expectation is over the pictures here and the one to come, which must be exchangeable. It
is not promised for each picture.
"""

import math

import torch
from torch import Tensor

from daecore.errors import InputError
from daecore.uncertainty.psnr_promise import DB_LEVEL
from daecore.uncertainty.thresholds import DOUBLED, LEVELS, UNCERTAIN, Curves, Scored, Thresholds


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
