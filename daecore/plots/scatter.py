"""Scatter: two measures of the same things against each other, each with its intervals, as series of points.

Knows numbers with intervals. Does not know what was measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from daecore.plots import ticks
from daecore.plots.figures import GREY, legend_below, style
from daecore.stats.intervals import Interval


@dataclass(frozen=True)
class Point:
    """One thing, measured twice.

    Attributes:
        label: What stands beside it.
        x: The one measure.
        y: The other.
    """

    label: str
    x: Interval
    y: Interval


def scatter(
    series: Mapping[str, Sequence[Point]], x_label: str, y_label: str, references: Mapping[str, float]
) -> Figure:
    """Points with crosses of intervals; a thin line joins those of a series in their order.

    Args:
        series: By name.
        x_label: What x is, with its unit.
        y_label: What y is, with its unit.
        references: By name, values of y that have no x: dashed lines.
    """
    figure = Figure(figsize=(7.2, 4.8), dpi=130, layout="constrained", facecolor="white")
    axis = figure.add_subplot()
    for number, (name, points) in enumerate(series.items()):
        _draw(axis, name, points, style(number))
    for name, value in references.items():
        axis.axhline(value, color=GREY, linestyle="--", linewidth=1, zorder=1)
        axis.annotate(
            name, (1, value), (-2, 3), xycoords=("axes fraction", "data"), textcoords="offset points", ha="right",
            fontsize=8, color=GREY,
        )  # fmt: skip
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="#e6e8eb", linewidth=0.7)
    axis.set_axisbelow(True)
    ticks.format_ticks(axis)
    legend_below(figure, len(series))
    return figure


def _draw(axis: Axes, name: str, points: Sequence[Point], line_style: Mapping[str, str]) -> None:
    x, y = [point.x.mean for point in points], [point.y.mean for point in points]
    color, marker = line_style["color"], line_style["marker"]
    axis.plot(x, y, color=color, linestyle=line_style["linestyle"], linewidth=0.8, alpha=0.6)
    spread = [
        [[one.mean - one.low for one in values], [one.high - one.mean for one in values]]
        for values in ([point.x for point in points], [point.y for point in points])
    ]
    axis.errorbar(x, y, xerr=spread[0], yerr=spread[1], fmt=marker, markersize=4, color=color, linewidth=1, label=name)
    for point in points:
        axis.annotate(
            point.label, (point.x.mean, point.y.mean), (5, 4), textcoords="offset points", fontsize=8, color=color,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip
