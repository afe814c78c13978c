"""Curves: measures against one size, side by side, each with its intervals and what it is to be compared with.

Knows numbers with intervals. Does not know what was measured, nor where the picture goes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator

from daecore.plots import ticks
from daecore.plots.figures import GREY, legend_below, style
from daecore.stats.intervals import Interval

COLUMNS = 2


@dataclass(frozen=True)
class Curves:
    """One chart.

    Attributes:
        label: What is measured, with its unit.
        lines: By name, each measure's interval at each size.
        references: By name, values that do not depend on the size: dashed lines.
        note: A remark under the title.
        logarithmic: Whether the measure's axis is.
    """

    label: str
    lines: Mapping[str, Mapping[int, Interval]]
    references: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    logarithmic: bool = False


def curves(charts: Sequence[Curves], x_label: str) -> Figure:
    """The charts, two in a row, the size on a logarithmic axis, one legend for all.

    Args:
        charts: One measure each; the same lines in all.
        x_label: What the size is.
    """
    high, wide = -(-len(charts) // COLUMNS), min(COLUMNS, len(charts))
    figure = Figure(
        figsize=(6.2 if wide == 1 else 4.4 * wide, 3.3 * high + 0.4), dpi=130, layout="constrained", facecolor="white"
    )
    for position, chart in enumerate(charts, start=1):
        axis = figure.add_subplot(high, wide, position)
        _draw(axis, chart)
        axis.set_xlabel(x_label)
    legend_below(figure, 3 * wide)
    return figure


def _draw(axis: Axes, chart: Curves) -> None:
    for number, (name, line) in enumerate(chart.lines.items()):
        sizes, line_style = sorted(line), style(number)
        axis.plot(sizes, [line[it].mean for it in sizes], markersize=4, label=name, **line_style)
        low, high = [line[it].low for it in sizes], [line[it].high for it in sizes]
        axis.fill_between(sizes, low, high, color=line_style["color"], alpha=0.2, linewidth=0)
    for name, value in chart.references.items():
        axis.axhline(value, color=GREY, linestyle="--", linewidth=1, zorder=1)
        axis.annotate(
            name, (1, value), (-2, 3), xycoords=("axes fraction", "data"), textcoords="offset points", ha="right",
            fontsize=8, color=GREY, path_effects=[withStroke(linewidth=3, foreground="white")],
        )  # fmt: skip
    axis.set_xscale("log", base=2)
    if chart.logarithmic:
        axis.set_yscale("log")
    ticks.format_ticks(axis)
    axis.xaxis.set_major_locator(FixedLocator(sorted({size for line in chart.lines.values() for size in line})))
    axis.set_title(chart.label + (f"\n{chart.note}" if chart.note else ""), fontsize=10, loc="left")
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="#e6e8eb", linewidth=0.7)
    axis.set_axisbelow(True)
