"""Ticks: numbers on an axis as people write them: 0.05, 2, 100, 1,000; no powers, no offsets.

Knows axes. Does not know what is drawn on them.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator, NullFormatter, NullLocator

LEAST = 3  # ticks on a logarithmic axis
STEPS = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7))  # within a decade: as few as give that many ticks


def format_ticks(axis: Axes) -> None:
    """Write the numbers of both axes as people do, and where an axis is logarithmic, put them at round values."""
    for one, scale in ((axis.xaxis, axis.get_xscale()), (axis.yaxis, axis.get_yscale())):
        if scale == "log":
            one.set_major_locator(RoundNumbers())
            one.set_minor_locator(NullLocator())
            one.set_minor_formatter(NullFormatter())
        _write_plainly(one)


def format_number(value: float, digits: int = 6) -> str:
    """A number as people write it: ``0.05``, ``2.5``, ``1,000``, never ``1e3``.

    Args:
        value: The number.
        digits: Significant ones, where there is a fraction; whole numbers stay whole.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class RoundNumbers(Locator):
    """Round numbers on a logarithmic axis: powers of ten, with 2 and 5 between them, with more where it is short."""

    def __call__(self) -> Sequence[float]:
        """The ticks of the axis as it is."""
        return self.tick_values(*self.axis.get_view_interval())  # type: ignore[union-attr]

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """The ticks between two positive numbers, in ascending order."""
        low, high = sorted((vmin, vmax))
        if low <= 0:
            return []
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in STEPS:
            found = [float(f"{step}e{power}") for power in decades for step in steps]
            inside = [tick for tick in found if low <= tick <= high]
            if len(inside) >= LEAST:
                return inside
        near = MaxNLocator(LEAST + 1, steps=[1, 2, 5, 10]).tick_values(low, high)
        return [float(tick) for tick in np.asarray(near) if low <= tick <= high]


def _write_plainly(axis: Axis) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))
