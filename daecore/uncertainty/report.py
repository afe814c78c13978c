"""The error bars' report: how often bounds hold the truth on pictures that nobody has seen, and how long they are.

Knows fitted error bars and pairs. Does not know files, nor how a number is shown.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from daecore.data.samples import Pairs
from daecore.record import Record
from daecore.rng import stream
from daecore.stats.intervals import Interval, bootstrap
from daecore.stats.metrics import psnr
from daecore.stats.ratio import Ratio
from daecore.uncertainty.error_bars import ErrorBars, spreads
from daecore.uncertainty.estimator import DerivativeEstimator
from daecore.uncertainty.psnr_promise import DB_LEVEL
from daecore.uncertainty.spread import Spread

QUINTILES = 5
ROUNDING = 1e-6
Method = Literal["derivative", "learned"]


class WidthGroup(Record):
    """A fifth of the uncertain values, by the width of their bounds.

    Attributes:
        number: From 1, the narrowest.
        width: Their mean width.
        coverage: What share of them lies within, with its interval; None where hardly any picture has such.
    """

    number: int
    width: float
    coverage: Interval | None


class ErrorBarsReport(Record):
    """What error bars are worth on unseen pictures; values are uncertain from a predicted deviation of 0.05 on.

    Attributes:
        method: From the network's derivative, or from a network that was trained on its errors.
        level: What share of uncertain values was promised to lie within.
        calibrated_on: How many validation pictures the promise was calibrated on.
        shape: Of those pictures.
        pictures: How many unseen pictures it was measured on.
        uncertain: The share of values that are.
        coverage: What share of them lies within; None where hardly any picture has such.
        certain_coverage: The same of all other values, of which nothing is promised.
        quintiles: Coverage by width.
        width: The mean width of the bounds of uncertain values.
        constant_width: The same of the one half width for all values that keeps the same promise, clipped alike.
        shorter: By what share the bounds are shorter than constant ones; negative where they are longer.
        whole_width: The mean width of all bounds, of uncertain and other values.
        whole_constant_width: The same with the one half width.
        whole_shorter: By what share the bounds of all values are shorter.
        db_level: With what probability a picture has the PSNR promised to it.
        db_held: What share of the pictures has it.
        promised_db: The mean of what was promised.
        restored_db: The mean PSNR.
    """

    method: Method
    level: float
    calibrated_on: int
    shape: tuple[int, ...]
    pictures: int
    uncertain: float
    coverage: Interval | None
    certain_coverage: Interval | None
    quintiles: tuple[WidthGroup, ...]
    width: float
    constant_width: float
    shorter: Interval | None
    whole_width: float
    whole_constant_width: float
    whole_shorter: Interval | None
    db_level: float
    db_held: Interval
    promised_db: float
    restored_db: float


def measure_error_bars(model: nn.Module, bars: ErrorBars, pairs: Pairs) -> ErrorBarsReport:
    """Measure bounds on pictures that neither training nor calibration has seen.

    Args:
        model: Restores; on the pairs' device, in evaluation mode.
        bars: What gives the bounds.
        pairs: Test pictures, corrupted once.
    """
    parts = [_measure(bars, *batch) for batch in spreads(model, bars.estimator, pairs)]
    found = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    covered, uncertain, width = found["covered"], found["uncertain"].bool(), found["width"]
    constant = found["constant"]
    promised, restored = found["promised_db"][:, 0], found["restored_db"][:, 0]
    return ErrorBarsReport(
        method="derivative" if isinstance(bars.estimator, DerivativeEstimator) else "learned",
        level=bars.level,
        calibrated_on=bars.pictures,
        shape=pairs.clean.shape,
        pictures=len(pairs),
        uncertain=float(uncertain.double().mean()),
        coverage=_share(covered, uncertain, "covered"),
        certain_coverage=_share(covered, ~uncertain, "certain"),
        quintiles=_quintiles(covered, uncertain, width),
        width=_mean(width[uncertain]),
        constant_width=_mean(constant[uncertain]),
        shorter=_share(constant - width, uncertain, "shorter", whole=constant),
        whole_width=_mean(width),
        whole_constant_width=_mean(constant),
        whole_shorter=_share(constant - width, torch.ones_like(uncertain), "whole", whole=constant),
        db_level=DB_LEVEL,
        db_held=bootstrap((restored >= promised).double(), generator=stream(0, "error bars", "decibels")),
        promised_db=_mean(promised),
        restored_db=_mean(restored),
    )


def _measure(bars: ErrorBars, spread: Spread, truth: Tensor) -> dict[str, Tensor]:
    """What is counted of one batch, ``(B, D)`` or ``(B, 1)`` each, on the CPU."""
    said, constant = bars.of(spread), bars.constant
    high, low = (said.restored + constant).clamp_max(1), (said.restored - constant).clamp_min(0)
    found = {
        "covered": (truth >= said.lower - ROUNDING) & (truth <= said.upper + ROUNDING),
        "uncertain": said.uncertain,
        "width": said.upper - said.lower,
        "constant": high - low,
        "promised_db": bars.promised_psnr(said.squared_error),
        "restored_db": psnr(said.restored, truth),
    }
    return {name: value.view(len(truth), -1).float().cpu() for name, value in found.items()}


def _quintiles(covered: Tensor, uncertain: Tensor, width: Tensor) -> tuple[WidthGroup, ...]:
    """Coverage of uncertain values, a fifth of them after the other by their width."""
    order = width[uncertain].argsort(stable=True)
    group = torch.empty_like(order)
    for number, part in enumerate(order.tensor_split(QUINTILES), 1):
        group[part] = number
    groups = torch.zeros_like(width, dtype=torch.int64)
    groups[uncertain] = group
    return tuple(
        WidthGroup(number=number, width=_mean(width[groups == number]),
                   coverage=_share(covered, groups == number, f"quintile {number}"))
        for number in range(1, QUINTILES + 1)
    )  # fmt: skip


def _share(part: Tensor, counted: Tensor, name: str, *, whole: Tensor | None = None) -> Interval | None:
    """The sum of ``part`` over that of ``whole``, or the count, of the values that are counted; ``(N, D)`` each."""
    total = counted if whole is None else whole * counted
    ratio = Ratio((part * counted).double().sum(1), total.double().sum(1))
    return ratio.interval(stream(0, "error bars", name)) if ratio.enough else None


def _mean(values: Tensor) -> float:
    """0 where there are none."""
    return float(values.double().mean()) if values.numel() else 0.0
