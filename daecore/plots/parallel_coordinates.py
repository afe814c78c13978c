"""Parallel coordinates: many settings and what each gave, in one picture.

Knows rows of values. Does not know what was set, nor where the picture goes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from daecore.plots.figures import GREY, ORANGE
from daecore.plots.ticks import RoundNumbers, format_number

MARGIN, WIDE = 0.05, 20  # of an upright axis: room at its ends; a span from which it is logarithmic
INK = "#3d434c"


def parallel_coordinates(
    rows: Sequence[Mapping[str, Any]],
    measure: str,
    *,
    higher: bool = False,
    log: Sequence[str] = (),
    best: int | None = None,
) -> Figure:
    """One axis per option and one for the measure, one line per row, coloured by the measure.

    Numbers stand where they belong, on a logarithmic axis where they span a factor of 20 or the caller says so;
    anything else stands at even distances. Rows without a measure are dotted and end before its axis. Dark is better.

    Args:
        rows: Each a value by name, the same names in all; ``measure``'s is a number or None, the others' are the axes.
        measure: The name of the last axis.
        higher: Whether more of the measure is better.
        log: Names of axes that are logarithmic.
        best: The row that is highlighted, by its position.
    """
    names = [name for name in rows[0] if name != measure]
    axes = [_scale([row[name] for row in rows], log=name in log) for name in names]
    evaluated = [row[measure] for row in rows if row[measure] is not None]
    last = _scale(evaluated or [0.0, 1.0], log=False)
    figure = Figure(figsize=(2.2 + 1.9 * len(names), 4.6), dpi=150, layout="constrained", facecolor="white")
    axis = figure.subplots()
    shades = np.linspace(0, 0.9, 256)  # the palest cannot be seen on white
    colors = ListedColormap(matplotlib.colormaps["viridis"](shades[::-1] if higher else shades))
    order = sorted(range(len(rows)), key=lambda number: (number == best, rows[number][measure] is not None))
    for number in order:
        value = rows[number][measure]
        height = None if value is None else last.at(value)
        spread = (
            0 if height is None else 0.05 * (height - 0.5)
        )  # lines that share a value fan out in the measure's order
        heights = [scale.at(rows[number][name]) + spread for name, scale in zip(names, axes, strict=True)]
        _line(axis, heights, height, color=GREY if height is None else colors(height), best=number == best)
    _upright(axis, names, axes)
    _bar(figure, axis, measure, last, colors)
    axis.set(xlim=(-0.5, len(names)), ylim=(0, 1))
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(w_pad=0.4, h_pad=0.15)  # type: ignore[call-arg]
    return figure


def _bar(figure: Figure, axis: Axes, measure: str, scale: "_Scale", colors: Colormap) -> None:
    """The colour bar, which is the measure's axis."""
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), colors), ax=axis, pad=0.0, aspect=28, fraction=0.05)
    bar.outline.set_visible(False)
    bar.set_ticks([scale.at(value) for value, _ in scale.ticks], labels=[text for _, text in scale.ticks])
    bar.ax.tick_params(length=3, labelsize=9, color=GREY)
    bar.ax.set_title(measure.replace(".", "\n", 1), fontsize=10, fontweight="bold", pad=10)


@dataclass(frozen=True)
class _Scale:
    """Where a value stands on an upright axis from 0 to 1, and which values are written there."""

    positions: Mapping[str, float] | None
    low: float
    high: float
    log: bool
    ticks: tuple[tuple[Any, str], ...]

    def at(self, value: Any) -> float:
        """The height of a value."""
        if self.positions is not None:
            return self.positions[str(value)]
        low, high, value = (math.log(item) if self.log else item for item in (self.low, self.high, value))
        return MARGIN + (1 - 2 * MARGIN) * ((value - low) / (high - low) if high > low else 0.5)


def _scale(values: Sequence[Any], *, log: bool) -> _Scale:
    """The axis for these values: by size where all are numbers, else one place each."""
    if not _numeric(values):
        texts = list(dict.fromkeys(map(str, values)))
        step = (1 - 2 * MARGIN) / max(1, len(texts) - 1)
        positions = {text: MARGIN + step * number if len(texts) > 1 else 0.5 for number, text in enumerate(texts)}
        return _Scale(positions, 0, 1, False, tuple((text, _shorten(text)) for text in texts))
    distinct: list[float] = sorted(set(values))
    low, high = distinct[0], distinct[-1]
    log = low > 0 and (log or high / low >= WIDE)
    bare = _Scale(None, low, high, log, ())
    heights = [bare.at(value) for value in distinct]
    apart = all(after - before > 0.05 for before, after in pairwise(heights))
    if apart and all(value in (int(value), float(f"{value:.2g}")) for value in distinct):  # as a person writes them
        shown = distinct
    else:
        locator = RoundNumbers() if log else MaxNLocator(5, integer=all(isinstance(v, int) for v in distinct))
        shown = [value for value in locator.tick_values(low, high) if low <= value <= high]
        shown = shown if len(shown) > 1 else [low, high]
    return replace(bare, ticks=tuple((value, format_number(value, digits=4)) for value in shown))


def _numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _shorten(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:23]}…"


def _line(axis: Axes, heights: list[float], last: float | None, *, color: Any, best: bool) -> None:
    """A smooth line through the heights on the axes 0, 1, ..., to the colour bar where there is a last one."""
    points: list[tuple[float, float]] = [*enumerate(heights), *([] if last is None else [(len(heights), last)])]
    vertices, codes = [points[0]], [Path.MOVETO]
    for (x, y), (to_x, to_y) in pairwise(points):
        vertices += [(x + 0.4, y), (to_x - 0.4, to_y), (to_x, to_y)]
        codes += [Path.CURVE4] * 3
    path = Path(vertices, codes)
    if best:
        axis.add_patch(PathPatch(path, fill=False, edgecolor="white", linewidth=7, zorder=4))
        axis.add_patch(PathPatch(path, fill=False, edgecolor=ORANGE, linewidth=3.2, zorder=5))
    else:
        style = (0, (1, 2)) if last is None else "solid"
        axis.add_patch(
            PathPatch(path, fill=False, edgecolor=color, linewidth=1.4, alpha=0.8, linestyle=style, zorder=2)
        )
    if last is None or len(points) == 1:
        axis.plot([points[-1][0]], [points[-1][1]], marker="x", color=color, markersize=5, zorder=3)


def _upright(axis: Axes, names: Sequence[str], scales: Sequence[_Scale]) -> None:
    """The upright axes with their names above and their values beside them."""
    axis.spines[:].set_visible(False)
    axis.set(yticks=[], xticks=range(len(names)))
    axis.xaxis.tick_top()
    axis.set_xticklabels([name.replace(".", "\n", 1) for name in names], fontsize=10, fontweight="bold")
    axis.tick_params(length=0, pad=8)
    for number, scale in enumerate(scales):
        axis.axvline(number, color=INK, linewidth=1.2, zorder=6)
        for value, text in scale.ticks:
            height = scale.at(value)
            axis.plot([number - 0.02, number], [height, height], color=INK, linewidth=1.2, zorder=6)
            label = axis.text(number - 0.04, height, text, ha="right", va="center", fontsize=9, zorder=7)
            label.set_path_effects([withStroke(linewidth=3, foreground="white")])
