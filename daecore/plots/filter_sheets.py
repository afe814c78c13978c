"""Pictures of filters: sheets of them side by side, and how a score is spread over each sheet's filters.

Knows pictures of filters and numbers. Does not know how either came about, nor where a picture goes.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from daecore.plots.figures import BLUE, GREY, ORANGE

ACROSS = 3  # sheets in a row
COLUMNS = 16  # filters in a sheet's row


def filter_sheets(sheets: Mapping[str, Tensor], *, most: int = 160) -> Figure:
    """Sheets of filters side by side, each filter in a scale of its own: grey is its mean, black and white are as far.

    Args:
        sheets: By title, ``(K, side, side)``, in the order in which they are to be shown.
        most: So many filters of a sheet are shown, evenly drawn from its order, the first and the last among them.
    """
    wide, high = min(ACROSS, len(sheets)), -(-len(sheets) // ACROSS)
    figure = Figure(figsize=(4.3 * wide, 3.1 * high), dpi=130, layout="constrained", facecolor="white")
    grid = figure.subplots(high, wide, squeeze=False).flatten()
    for axis in grid:
        axis.set_axis_off()
    for axis, (title, filters) in zip(grid, sheets.items(), strict=False):
        axis.imshow(sheet(filters, most), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        axis.set_title(title, fontsize=10)
    return figure


def sheet(filters: Tensor, most: int) -> NDArray[np.float64]:
    """Filters ``(K, side, side)`` in rows of 16, a pixel between them; values in ``[-1, 1]``, 1 where there is none."""
    chosen = np.linspace(0, len(filters) - 1, min(most, len(filters))).round()
    some = filters[chosen].detach().double().cpu()
    some = some - some.mean((1, 2), keepdim=True)
    some = some / some.abs().amax((1, 2), keepdim=True).clamp(min=1e-12)
    rows = -(-len(some) // COLUMNS)
    padded = F.pad(some, (0, 1, 0, 1, 0, rows * COLUMNS - len(some)), value=1)
    side = padded.shape[-1]
    tiles = padded.view(rows, COLUMNS, side, side).permute(0, 2, 1, 3)
    picture: NDArray[np.float64] = tiles.reshape(rows * side, COLUMNS * side)[:-1, :-1].numpy()
    return picture


def spreads(
    charts: Mapping[str, Mapping[str, NDArray[np.float64]]], references: Mapping[str, Mapping[str, float]]
) -> Figure:
    """How scores are spread over filters: a box from quarter to quarter with the median, and every filter as a dot.

    Args:
        charts: By the score's name, a chart each: by the row's name, ``(K,)``; the same rows in all.
        references: By the score's name and a reference's own, a dashed line.
    """
    rows = max(len(chart) for chart in charts.values())
    size = (1.6 + 4.0 * len(charts), 0.9 + 0.36 * rows)
    figure = Figure(figsize=size, dpi=130, layout="constrained", facecolor="white")
    for axis, (label, chart) in zip(
        figure.subplots(1, len(charts), sharey=True, squeeze=False)[0], charts.items(), strict=True
    ):
        _spread(axis, chart)
        axis.set_xlabel(label)
        for name, value in references.get(label, {}).items():
            axis.axvline(value, color=GREY, linestyle="--", linewidth=1, label=name, zorder=1)
            axis.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _spread(axis: Axes, chart: Mapping[str, NDArray[np.float64]]) -> None:
    across = range(len(chart))
    for x, values in zip(across, chart.values(), strict=True):
        beside = x + 0.28 * np.sin(12.9898 * np.arange(len(values)))  # dots side by side, the same in every picture
        axis.scatter(values, beside, s=3, color=BLUE, alpha=0.35, linewidths=0)
    axis.boxplot(
        list(chart.values()),
        positions=list(across),
        orientation="horizontal",
        widths=0.6,
        showfliers=False,
        whis=(5, 95),
        medianprops={"color": ORANGE, "linewidth": 2},
        boxprops={"color": GREY},
        whiskerprops={"color": GREY},
        capprops={"color": GREY},
    )
    axis.set_yticks(list(across), list(chart), fontsize=9)
    axis.set_ylim(len(chart) - 0.5, -0.5)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="x", color="#e6e8eb", linewidth=0.7)
    axis.set_axisbelow(True)
