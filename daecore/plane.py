"""Pictures of the plane: fields of arrows side by side, a curve coloured by its code, walks.

Knows points as tensors. Does not know which network moved them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from daecore.figures import BLUE, GREY, ORANGE

FAINT = "#c3c8cf"  # arrows that no training input backs
COLOURS = "viridis"


@dataclass(frozen=True)
class Moves:
    """Arrows of one panel.

    Attributes:
        x: ``(K, 2)``, where they start.
        moved: ``(K, 2)``, where they end.
        known: bool ``(K,)``: near enough to the data to be trusted; the others are drawn faint.
    """

    x: Tensor
    moved: Tensor
    known: Tensor


def grid(low: tuple[float, float], high: tuple[float, float], step: float) -> Tensor:
    """The points of a square grid in a rectangle, both ends included: ``(K, 2)``."""
    first, second = (torch.arange(start, end + step / 2, step) for start, end in zip(low, high, strict=True))
    return torch.cartesian_prod(first, second)


def fields(panels: Mapping[str, Moves], data: Tensor, *, columns: int = 2) -> Figure:
    """Fields of arrows side by side, on the same axes, with the data on top.

    Args:
        panels: Title to arrows.
        data: ``(N, 2)``.
        columns: Panels in a row.
    """
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.6 * columns, 4.75 * rows), dpi=120, layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flatten()
    for axis, (title, moves) in zip(axes, panels.items(), strict=False):
        draw_moves(axis, moves, data)
        axis.set_title(title, fontsize=11)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    return figure


def draw_moves(axis: Axes, moves: Moves, data: Tensor) -> None:
    """Arrows and data on one panel."""
    for some, color in ((~moves.known, FAINT), (moves.known, BLUE)):
        start, shift = moves.x[some].numpy(), (moves.moved - moves.x)[some].numpy()
        axis.quiver(
            *start.T, *shift.T, angles="xy", scale_units="xy", scale=1, color=color, width=0.0042, headwidth=4.2,
            headlength=4.6, headaxislength=4.2, minlength=0.5,
        )  # fmt: skip
    axis.scatter(data[:, 0], data[:, 1], s=5, color=ORANGE, linewidths=0, zorder=3)
    bare(axis)


def bare(axis: Axes) -> None:
    """Equal scales, no frame, few numbers."""
    axis.set_aspect("equal")
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0, labelsize=8, labelcolor=GREY)
    axis.grid(color="#eef0f2", linewidth=0.7)
    axis.set_axisbelow(True)


def coded_curve(data: Tensor, code: Tensor, decoded: Tensor, along: Tensor) -> Figure:
    """A curve coloured by its one-dimensional code, the decoder's own curve, and the code against the angle.

    Args:
        data: ``(N, 2)``, points around the origin.
        code: ``(N,)``, their codes.
        decoded: ``(K, 2)``, what the decoder makes of ``along``.
        along: ``(K,)``, codes in order.
    """
    figure = Figure(figsize=(12.6, 4.2), dpi=120, layout="constrained", facecolor="white")
    left, middle, right = figure.subplots(1, 3)
    low, high = float(along[0]), float(along[-1])
    ends = {"cmap": COLOURS, "vmin": low, "vmax": high, "linewidths": 0}
    left.scatter(data[:, 0], data[:, 1], c=code.numpy(), s=9, **ends)
    left.set_title("the data, coloured by their code z", fontsize=11)
    middle.scatter(data[:, 0], data[:, 1], s=4, color=FAINT, linewidths=0)
    shown = middle.scatter(decoded[:, 0], decoded[:, 1], c=along.numpy(), s=9, **ends)
    middle.set_title("the decoder's curve x' = g(z)", fontsize=11)
    figure.colorbar(shown, ax=(left, middle), label="code z", shrink=0.8, pad=0.02).outline.set_visible(False)
    angle = torch.atan2(data[:, 1], data[:, 0]).rad2deg().remainder(360)
    right.scatter(angle.numpy(), code.numpy(), c=code.numpy(), s=6, **ends)
    right.set(xlabel="angle of the point / degrees", ylabel="code z", xticks=range(0, 361, 90))
    right.set_title("one full turn", fontsize=11)
    right.spines[["top", "right"]].set_visible(False)
    for axis in (left, middle):
        bare(axis)
    return figure


def walks(axis: Axes, paths: Sequence[Tensor], ends: Tensor, data: Tensor) -> None:
    """Walks from where they start to where they end.

    Args:
        axis: The panel.
        paths: One ``(T, 2)`` each, drawn as lines.
        ends: ``(K, 2)``, where these and other walks have ended.
        data: ``(N, 2)``.
    """
    axis.scatter(data[:, 0], data[:, 1], s=5, color=ORANGE, linewidths=0, alpha=0.35)
    for number, path in enumerate(paths):
        shade = 0.25 + 0.6 * math.sqrt(number / max(1, len(paths) - 1))
        axis.plot(*path.T.numpy(), color=BLUE, linewidth=0.6, alpha=shade)
        axis.plot(*path[0].numpy(), "x", color="#1d2733", markersize=6, zorder=4)
    axis.scatter(ends[:, 0], ends[:, 1], s=11, color=BLUE, linewidths=0.4, edgecolors="white", zorder=5)
    bare(axis)
