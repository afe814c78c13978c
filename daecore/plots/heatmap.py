"""Heat map: a number for each pair of conditions, written into its cell and coloured by what it lacks to the best.

Knows names and numbers. Does not know what was measured, nor where the picture goes.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from daecore.plots.figures import GREY, ORANGE

DARK = 0.55  # of the colour scale: from here on letters are white
INK = "#1d2430"


def heat_map(
    values: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    row_label: str,
    column_label: str,
    unit: str,
) -> Figure:
    """Cells with their numbers, dark where one is near the best of its column; the best has a frame.

    Args:
        values: ``(R, C)``; more is better.
        rows: R names.
        columns: C names.
        row_label: What the rows are.
        column_label: What the columns are.
        unit: Of the numbers.
    """
    size = (2.6 + 0.92 * len(columns), 1.3 + 0.46 * len(rows))
    figure = Figure(figsize=size, dpi=130, layout="constrained", facecolor="white")
    axis = figure.subplots()
    behind = values.max(0, keepdims=True) - values
    shades = 1 - behind / max(float(behind.max()), 1e-9)  # 1: the best of its column
    image = axis.imshow(-behind, cmap="Blues", vmin=-float(behind.max()) * 1.05, vmax=0, aspect="auto")
    for row, column in np.ndindex(*values.shape):
        ink = "white" if shades[row, column] > DARK else INK
        axis.text(column, row, f"{values[row, column]:.1f}", ha="center", va="center", color=ink, fontsize=10)
    for column, row in enumerate(values.argmax(0)):
        axis.add_patch(Rectangle((column - 0.47, row - 0.45), 0.94, 0.9, fill=False, edgecolor=ORANGE, linewidth=2))
    bar = figure.colorbar(image, ax=axis, pad=0.02, aspect=24)
    bar.set_label(f"{unit} to the best of the column", color=GREY, fontsize=9)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors=GREY, length=0)
    _name(axis, rows, columns, row_label, column_label)
    return figure


def _name(axis: Axes, rows: Sequence[str], columns: Sequence[str], row_label: str, column_label: str) -> None:
    """Names at the cells' edges, the columns' on top, and white lines between cells."""
    axis.set_xticks(range(len(columns)), [name.replace(" ", "\n", 1) for name in columns], fontsize=9)
    axis.set_yticks(range(len(rows)), rows, fontsize=9)
    axis.tick_params(top=True, bottom=False, labeltop=True, labelbottom=False, length=0)
    axis.set_xticks(np.arange(len(columns) - 1) + 0.5, minor=True)
    axis.set_yticks(np.arange(len(rows) - 1) + 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=2)
    axis.tick_params(which="minor", length=0)
    axis.spines[:].set_visible(False)
    axis.xaxis.set_label_position("top")
    axis.set_xlabel(column_label, color=GREY, labelpad=8)
    axis.set_ylabel(row_label, color=GREY)
