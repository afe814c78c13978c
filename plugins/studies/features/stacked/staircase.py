"""The staircase: layer upon layer, a classification layer on top, then everything fine-tuned; one picture.

Knows errors. Does not train.
"""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from daecore.plots import CYCLE, GREY, png

TRAINED, FROZEN, LABELLED = CYCLE[0], "#d5dbe3", CYCLE[1]
HEIGHT, GAP = 0.7, 0.3


def staircase(widths: Sequence[int], inputs: int, probes: Sequence[float], fine_tuned: float) -> bytes:
    """A PNG: a column for each step, what is trained in it in colour, its test error above.

    Args:
        widths: Units of each layer.
        inputs: Values of one sample.
        probes: The test error of a linear layer on each layer's code, in percent.
        fine_tuned: The test error after everything was trained together, in percent.
    """
    depth = len(widths)
    figure = Figure(figsize=(2.1 * (depth + 1), 0.75 * (depth + 3)), dpi=130, layout="constrained", facecolor="white")
    axis = figure.add_subplot()
    for step in range(depth):
        below = [FROZEN] * step + [TRAINED]
        _column(axis, step, [inputs, *widths[: step + 1]], [GREY, *below])
        said = f"layer {step + 1} learns to denoise\n{'pixels' if step == 0 else f'the code of layer {step}'}"
        _say(axis, step, step + 2, f"linear layer on it:\n{probes[step]:.2f} %", said)
    _column(axis, depth, [inputs, *widths, "classes"], [GREY, *[TRAINED] * depth, LABELLED])
    _say(axis, depth, depth + 2, f"{fine_tuned:.2f} %", "a classification layer on top,\nall fine-tuned")
    axis.set_xlim(-0.6, depth + 0.6)
    axis.set_ylim(-1.1, depth + 3)
    axis.axis("off")
    return png(figure)


def _column(axis: Axes, x: int, sizes: Sequence[object], colors: Sequence[str]) -> None:
    """Boxes from the input upwards."""
    for level, (size, color) in enumerate(zip(sizes, colors, strict=True)):
        box = FancyBboxPatch(
            (x - 0.35, level),
            0.7,
            HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=color,
            edgecolor="none",
        )
        axis.add_patch(box)
        ink = "black" if color == FROZEN else "white"
        axis.text(x, level + HEIGHT / 2, str(size), ha="center", va="center", fontsize=9, color=ink)
        if level:
            axis.annotate("", (x, level), (x, level - GAP), arrowprops={"arrowstyle": "-", "color": GREY})


def _say(axis: Axes, x: int, top: float, error: str, said: str) -> None:
    """The error above a column, what happens in it below."""
    axis.text(x, top, error, ha="center", va="bottom", fontsize=9, fontweight="bold")
    axis.text(x, -0.2, said, ha="center", va="top", fontsize=8, color="#444444")
