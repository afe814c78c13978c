"""The pictures of a run, each a matplotlib Figure made without pyplot and without global state.

Knows arrays. Does not know where a picture goes.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from torch import Tensor

from daecore.plots import ticks
from daecore.stats.intervals import Interval

COLUMNS = 12
"""Images in a row of a panel: as many as the lecture shows."""
FILLED = 0.95  # of a cell's side, by the image in it
BLUE = "#2563a8"
"""The colour of what is shown first."""
ORANGE = "#d9772b"
"""The colour of what it is compared with."""
GREY = "#8a8f98"
"""The colour of what is only there for orientation."""
CYCLE = (BLUE, ORANGE, "#3a8f5c", "#9457a8", GREY, "#b5485d", "#3f9fb5", "#8c7433")
"""The colours of series, in their order."""
ROUNDS = (("-", "o"), ("--", "s"), (":", "^"))  # line and marker: once all colours are taken, they come again in these


def style(number: int) -> dict[str, Any]:
    """What the n-th series of a chart is drawn with, from 0: ``color``, ``linestyle`` and ``marker``."""
    line, marker = ROUNDS[number // len(CYCLE) % len(ROUNDS)]
    return {"color": CYCLE[number % len(CYCLE)], "linestyle": line, "marker": marker}


def panel(rows: Mapping[str, Tensor]) -> Figure:
    """Rows of images under each other, at most 12 a row, clipped to ``[0, 1]``.

    Args:
        rows: Label to ``(K, C, H, W)``, K the same in all; C is 1 (grey) or 3 (RGB); rows may differ in size.
    """
    count = min(COLUMNS, *(len(images) for images in rows.values()))
    figure = Figure(figsize=(1.5 + 0.8 * count, 0.84 * len(rows) + 0.1), dpi=150, facecolor="white")
    left, bottom = 1.4 / figure.get_figwidth(), 0.02
    axis = figure.add_axes((left, bottom, 0.995 - left, 0.98 - bottom))  # one for all: a hundred of them take seconds
    for row, (label, images) in enumerate(rows.items()):
        for column, image in enumerate(images[:count]):
            _show(axis, image, row, column)
        axis.text(-0.1, row + 0.5, label.replace(": ", ":\n"), ha="right", va="center", fontsize=10)
    axis.set(xlim=(0, count), ylim=(len(rows), 0), aspect="equal")
    axis.set_axis_off()
    return figure


def loss_curves(epochs: Sequence[tuple[int, float, float | None]]) -> Figure:
    """Training and validation loss against the epoch, on a logarithmic scale where all are positive.

    Args:
        epochs: ``(epoch, training loss, validation loss or None)``, in order.
    """
    figure, axis = _plot("epoch", "loss")
    numbers = [epoch for epoch, _, _ in epochs]
    axis.plot(numbers, [loss for _, loss, _ in epochs], color=BLUE, marker="o", markersize=3, label="training")
    evaluated = [(epoch, loss) for epoch, _, loss in epochs if loss is not None]
    if evaluated:
        axis.plot(*zip(*evaluated, strict=True), color=ORANGE, marker="o", markersize=3, label="validation")
    if all(loss > 0 for _, loss, _ in epochs) and all(loss > 0 for _, loss in evaluated):
        axis.set_yscale("log")
    ticks.format_ticks(axis)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axis.legend(frameon=False, loc="upper right")  # where a falling loss is not
    return figure


def psnr_histogram(scores: Mapping[str, NDArray[np.float32]]) -> Figure:
    """How PSNR is spread over images, one outline per label, its mean as a dashed line.

    Args:
        scores: Label to ``(N,)`` in dB.
    """
    figure, axis = _plot("PSNR of one image / dB", "share of images")
    bins: list[float] = np.histogram_bin_edges(np.concatenate(list(scores.values())), bins=50).tolist()
    for position, (label, values) in enumerate(scores.items()):
        color = CYCLE[position % len(CYCLE)]
        weights = np.full(len(values), 1 / len(values))
        name = f"{label} (mean {values.mean():.2f} dB)"
        axis.hist(values, bins=bins, weights=weights, histtype="stepfilled", color=color, alpha=0.25)
        axis.hist(values, bins=bins, weights=weights, histtype="step", color=color, label=name)
        axis.axvline(float(values.mean()), color=color, linestyle="--", linewidth=1)
    _legend(axis)
    return figure


def difference_histogram(differences: NDArray[np.floating[Any]], label: str) -> Figure:
    """How a paired difference is spread over images: its mean as a dashed line, beside a line at zero.

    Args:
        differences: ``(N,)``, one per image.
        label: What the difference is of, with its unit.
    """
    figure, axis = _plot(label, "share of images", size=(6.4, 3.2))
    weights, mean = np.full(len(differences), 1 / len(differences)), float(differences.mean())
    axis.hist(differences, bins=50, weights=weights, color=BLUE, alpha=0.35)
    axis.axvline(0, color=GREY, linewidth=1, label="no difference")
    above = float((differences > 0).mean())
    name = f"mean {mean:+.3g}; above zero for {above:.0%} of the images"
    axis.axvline(mean, color=BLUE, linestyle="--", linewidth=1, label=name)
    _legend(axis)
    return figure


def arrows(x: Tensor, restored: Tensor, data: Tensor) -> Figure:
    """Where a denoising autoencoder moves points of the plane: towards the data.

    Args:
        x: ``(K, 2)``, where the arrows start.
        restored: ``(K, 2)``, where they end.
        data: ``(N, 2)``, clean points for the background.
    """
    figure, axis = _plot("first coordinate", "second coordinate", size=(5.5, 5.5))
    points, starts, moves = (item.detach().cpu().numpy() for item in (data, x, restored - x))
    axis.scatter(points[:, 0], points[:, 1], s=6, color=ORANGE, alpha=0.5, linewidths=0, label="data")
    axis.quiver(*starts.T, *moves.T, angles="xy", scale_units="xy", scale=1, color=BLUE, width=0.003, label="restored")
    ends = np.concatenate([points, starts, starts + moves])
    margin = 0.05 * np.ptp(ends, axis=0).max()
    axis.set(xlim=(ends[:, 0].min() - margin, ends[:, 0].max() + margin))
    axis.set(ylim=(ends[:, 1].min() - margin, ends[:, 1].max() + margin))
    axis.set_aspect("equal")
    axis.legend(frameon=False, loc="upper right")
    return figure


def differences(found: Mapping[int, Interval], x_label: str, y_label: str) -> Figure:
    """A mean difference against a number, with its 95 % interval as a band and a line at zero.

    Args:
        found: Number to difference, in ascending order.
        x_label: What the number is.
        y_label: What the difference is of, with its unit.
    """
    figure, axis = _plot(x_label, y_label)
    numbers = list(found)
    axis.axhline(0, color=GREY, linewidth=1, label="no difference")
    low, high = ([getattr(item, end) for item in found.values()] for end in ("low", "high"))
    axis.fill_between(numbers, low, high, color=BLUE, alpha=0.18, linewidth=0, label="95 % interval")
    axis.plot(numbers, [item.mean for item in found.values()], color=BLUE, marker="o", label="mean")
    _legend(axis)
    return figure


def png(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def legend_below(figure: Figure, most: int) -> None:
    """One legend for all axes, beneath them, in rows that the picture is wide enough for.

    Args:
        figure: With its axes drawn; the first one's lines are named.
        most: Names in a row, at most.
    """
    handles, labels = figure.axes[0].get_legend_handles_labels()
    inches = 0.7 + 0.055 * max(map(len, labels), default=0)  # of a name with its line
    fit = max(1, min(most, int(figure.get_figwidth() / inches)))
    rows = -(-len(labels) // fit)
    columns = -(-len(labels) // max(1, rows))
    figure.legend(handles, labels, loc="outside lower center", ncols=max(1, columns), frameon=False, fontsize=9)


def _legend(axis: Axes) -> None:
    """Above the axes, where it hides nothing; looking for the best place inside takes seconds on a busy machine."""
    axis.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)


def _plot(x_label: str, y_label: str, size: tuple[float, float] = (6.4, 4.0)) -> tuple[Figure, Axes]:
    """An empty plot in the house's look."""
    figure = Figure(figsize=size, dpi=120, layout="constrained", facecolor="white")
    axis = figure.subplots()
    axis.set(xlabel=x_label, ylabel=y_label)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="#e6e8eb", linewidth=0.7)
    axis.set_axisbelow(True)
    ticks.format_ticks(axis)
    return figure, axis


def _show(axis: Axes, image: Tensor, row: int, column: int) -> None:
    """Draw an image ``(C, H, W)`` into a cell of the unit grid, as large as its longer side allows."""
    pixels = image.detach().float().cpu().clamp(0, 1).permute(1, 2, 0).numpy()  # (H, W, C)
    high, wide = (0.5 * FILLED * side / max(pixels.shape[:2]) for side in pixels.shape[:2])
    extent = (column + 0.5 - wide, column + 0.5 + wide, row + 0.5 + high, row + 0.5 - high)
    grey = pixels if pixels.shape[2] == 3 else pixels[..., 0]
    axis.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=extent)
