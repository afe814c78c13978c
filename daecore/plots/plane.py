"""Pictures of the plane: fields of arrows side by side, a curve coloured by its code, walks.

Knows points as tensors. Does not know which network moved them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from daecore.plots.figures import BLUE, GREY, ORANGE

COLOURS = "viridis"


@dataclass(frozen=True)
class Moves:
    """Arrows of one panel.

    Attributes:
        x: ``(K, 2)``, where they start.
        moved: ``(K, 2)``, where they end.
    """

    x: Tensor
    moved: Tensor


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
    start, shift = moves.x.numpy(), (moves.moved - moves.x).numpy()
    axis.quiver(
        *start.T, *shift.T, angles="xy", scale_units="xy", scale=1, color=BLUE, width=0.0032, headwidth=4.5,
        headlength=5, headaxislength=4.5, minlength=0.5, zorder=2,
    )  # fmt: skip
    axis.scatter(data[:, 0], data[:, 1], s=6, color=ORANGE, linewidths=0, zorder=3)
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

    Colours go by the rank of a code among the data's, so that they change evenly along the curve.

    Args:
        data: ``(N, 2)``, points around the origin.
        code: ``(N,)``, their codes.
        decoded: ``(K, 2)``, what the decoder makes of ``along``.
        along: ``(K,)``, codes in order.
    """
    figure = Figure(figsize=(12.6, 4.3), dpi=120, layout="constrained", facecolor="white")
    left, middle, right = figure.subplots(1, 3)
    known = code.sort().values
    rank, rank_along = (torch.searchsorted(known, some) / len(known) for some in (code, along))
    left.scatter(data[:, 0], data[:, 1], c=rank, cmap=COLOURS, s=11, linewidths=0)
    left.set_title("the data, coloured by their code z", fontsize=11)
    middle.scatter(data[:, 0], data[:, 1], s=40, color="#e3e6ea", linewidths=0)
    middle.scatter(decoded[:, 0], decoded[:, 1], c=rank_along, cmap=COLOURS, s=7, linewidths=0)
    middle.set_title("the decoder's curve x' = g(z)", fontsize=11)
    angle = torch.atan2(data[:, 1], data[:, 0]).rad2deg().remainder(360)
    right.scatter(angle, code, c=rank, cmap=COLOURS, s=7, linewidths=0)
    right.set(xlabel="angle of the point / degrees", ylabel="code z", xticks=range(0, 361, 90))
    right.set_title("z against the angle", fontsize=11)
    right.spines[["top", "right"]].set_visible(False)
    for axis in (left, middle):
        bare(axis)
    return figure


def walks(axis: Axes, stages: Mapping[str, Tensor], data: Tensor, *, followed: int = 6) -> None:
    """Walkers at the stages of their walk, from pale to dark.

    Args:
        axis: The panel.
        stages: Name to ``(K, 2)``, in order; the first is where they start.
        data: ``(N, 2)``.
        followed: The first so many walkers have their stages joined by a line.
    """
    axis.scatter(data[:, 0], data[:, 1], s=6, color=ORANGE, linewidths=0, alpha=0.6)
    positions = torch.stack(list(stages.values()))  # (stages, K, 2)
    for path in positions[:, :followed].unbind(1):
        axis.plot(path[:, 0], path[:, 1], color="#1d2733", linewidth=0.7, alpha=0.55, zorder=3)
    for number, (name, points) in enumerate(list(stages.items())[1:], start=1):
        shade = colormaps["GnBu"](0.25 + 0.75 * number / (len(stages) - 1))
        axis.scatter(points[:, 0], points[:, 1], s=13, color=shade, linewidths=0.3, edgecolors="white", label=name,
                     zorder=3 + number)  # fmt: skip
    axis.plot(positions[0, 0, 0], positions[0, 0, 1], "X", color="#1d2733", markersize=9, zorder=20)
    axis.legend(fontsize=8, loc="center right", handletextpad=0.1, edgecolor="none", framealpha=0.85)
    bare(axis)
