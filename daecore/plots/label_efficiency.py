"""Label efficiency: the error of classifiers by the number of labels, as a picture.

Knows what was summed up. Does not know what was trained.
"""

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from daecore.plots import ticks
from daecore.plots.figures import style
from daecore.stats.intervals import Interval
from daecore.transfer.scores import TransferReport

SHARE = 0.72  # of a budget's room, by the points in it; the rest keeps budgets apart
INCHES = 0.17  # a point with its interval
FEW = 3  # budgets up to which every interval is far from the next, and lines would only cross


def label_efficiency(report: TransferReport) -> Figure:
    """Test error, logarithmic, for each number of labels: side by side a point with its interval for each cell.

    The cells keep their order and colour from budget to budget, so that no interval hides another.
    """
    lines: dict[str, dict[int, Interval]] = {}
    for row in report.rows:
        lines.setdefault(row.initialisation, {})[row.labels] = row.error_percent
    label_counts = sorted({row.labels for row in report.rows})
    wide = max(5.0, 0.8 + len(label_counts) * (len(lines) * INCHES + 0.5))
    figure = Figure(figsize=(wide + 1.6, 4.0), dpi=130, layout="constrained", facecolor="white")
    axis = figure.subplots()
    for number, (name, line) in enumerate(lines.items()):
        shift = SHARE * ((number + 0.5) / len(lines) - 0.5)
        points = [(label_counts.index(count) + shift, line[count]) for count in sorted(line)]
        _draw(axis, points, name, number, len(label_counts))
    for before, _ in pairwise(range(len(label_counts))):
        axis.axvline(before + 0.5, color="#e6e8eb", linewidth=1)
    _dress(axis, label_counts)
    return figure


def _draw(axis: Axes, points: list[tuple[float, Interval]], name: str, number: int, columns: int) -> None:
    positions, found = [position for position, _ in points], [interval for _, interval in points]
    means, line_style = [it.mean for it in found], style(number)
    reach = [[it.mean - it.low for it in found], [it.high - it.mean for it in found]]
    if columns > FEW:
        axis.plot(
            positions, means, color=line_style["color"], linestyle=line_style["linestyle"], linewidth=0.8, alpha=0.45
        )
    axis.errorbar(
        positions, means, yerr=reach, label=name, color=line_style["color"], marker=line_style["marker"], markersize=5,
        linestyle="none", elinewidth=1.4, capsize=3,
    )  # fmt: skip


def _dress(axis: Axes, label_counts: list[int]) -> None:
    axis.set_yscale("log", nonpositive="clip")  # an interval of few draws may reach below zero
    means = [value for container in axis.containers for value in container[0].get_ydata() if value > 0]
    bottom = min((low for low in _ends(axis) if low > 0), default=min(means, default=1.0))
    axis.set_ylim(bottom=max(0.8 * bottom, 0.2 * min(means, default=bottom)))
    axis.set(xlabel="labels", ylabel="test error, %", xlim=(-0.5, len(label_counts) - 0.5))
    ticks.format_ticks(axis)
    axis.set_xticks(range(len(label_counts)), [f"{count:,}" for count in label_counts])
    axis.tick_params(axis="x", length=0)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color="#e6e8eb", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.legend(
        frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1), labelcolor="black", title="mean and 95 %",
        title_fontproperties={"size": 9}, alignment="left",
    )  # fmt: skip


def _ends(axis: Axes) -> list[float]:
    """The lower ends of all intervals."""
    return [float(segment[0][1]) for container in axis.containers for segment in container[2][0].get_segments()]
