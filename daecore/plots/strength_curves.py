"""Strength curves: what was restored, and how far it beats the best baseline, against a corruption's strength.

Knows numbers with intervals. Does not know which runs they came from, nor where the picture goes.
"""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from daecore.plots.figures import BLUE, GREY, ORANGE
from daecore.plots.ticks import format_number, format_ticks
from daecore.stats.intervals import Interval

Line = Mapping[float, Interval]
TICKS = 9  # so many strengths are named one by one
STYLES = {  # colour, line, marker
    "restored": (BLUE, "-", "o"),
    "corrupted": (ORANGE, "--", "s"),
    "gain over the best baseline": (BLUE, "-", "o"),
}


def strength_curves(restored: Line, corrupted: Line, gain: Line, option: str, unit: str) -> Figure:
    """Two charts: restored beside corrupted, and the gain with a line at zero; whiskers are 95 % intervals.

    Args:
        restored: By strength, the mean of the restored samples.
        corrupted: The same before restoration; empty where it is not known.
        gain: By strength, the lead over the best baseline there; empty where it is not known.
        option: The strength's name.
        unit: ``dB`` or ``squared error``.
    """
    wide = 2 if gain else 1
    figure = Figure(figsize=(4.6 * wide, 3.4), dpi=120, layout="constrained", facecolor="white")
    first = figure.add_subplot(1, wide, 1)
    for name, line in (("restored", restored), ("corrupted", corrupted)):
        if line:
            _draw(first, name, line)
    first.set_ylabel("PSNR / dB" if unit == "dB" else unit)
    if gain:
        second = figure.add_subplot(1, wide, 2)
        second.axhline(0, color=GREY, linewidth=1, label="no gain")
        _draw(second, "gain over the best baseline", gain)
        second.set_ylabel(f"gain / {unit}" if unit == "dB" else f"gain in {unit}")
    for axis in figure.axes:
        _finish(axis, option)
        if len(restored) <= TICKS:
            axis.set_xticks(sorted(restored), [format_number(strength) for strength in sorted(restored)])
    return figure


def _draw(axis: Axes, name: str, line: Line) -> None:
    strengths = sorted(line)
    means = [line[strength].mean for strength in strengths]
    below = [line[strength].mean - line[strength].low for strength in strengths]
    above = [line[strength].high - line[strength].mean for strength in strengths]
    color, dashes, marker = STYLES[name]
    axis.errorbar(
        strengths, means, yerr=[below, above], color=color, linestyle=dashes, marker=marker, markersize=4, capsize=3,
        label=name,
    )  # fmt: skip


def _finish(axis: Axes, option: str) -> None:
    axis.set_xlabel(option)
    format_ticks(axis)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="#e6e8eb", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=2)
