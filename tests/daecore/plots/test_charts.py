"""The heat map and the curves show the numbers they are given."""

import io

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from PIL import Image

from daecore.plots.curves import Curves, curves
from daecore.plots.figures import ORANGE, png
from daecore.plots.heatmap import heat_map
from daecore.plots.scatter import Point, scatter
from daecore.stats.intervals import Interval

VALUES = np.array([[20.0, 10.0, 7.0], [15.0, 12.0, 9.0]])


def matrix():
    names = {"row_label": "trained on", "column_label": "evaluated on", "unit": "dB"}
    return heat_map(VALUES, ["erasure 0.5", "blur 2"], ["erasure 0.5", "blur 2", "block 10"], **names)


def test_every_cell_of_a_heat_map_has_its_number():
    assert [text.get_text() for text in matrix().axes[0].texts] == [f"{value:.1f}" for value in VALUES.flatten()]


def test_the_best_of_each_column_has_a_frame():
    frames = [patch for patch in matrix().axes[0].patches if isinstance(patch, Rectangle)]
    assert all(to_hex(frame.get_edgecolor()) == ORANGE for frame in frames)
    assert [round(frame.get_y() + frame.get_height() / 2) for frame in frames] == [0, 1, 1]


def test_a_heat_map_without_differences_is_drawn():
    assert png(heat_map(np.ones((2, 2)), "ab", "cd", row_label="r", column_label="c", unit="dB"))


def test_every_line_of_many_is_drawn_and_looks_like_no_other():
    """Eight colours, then dashes: a ninth line was once left out without a word."""
    line = {size: Interval(mean=size, low=size - 1, high=size + 1, n=9) for size in (2, 8)}
    drawn = curves([Curves("error", {f"line {number}": line for number in range(20)})], "size").axes[0].lines
    assert len({(it.get_color(), it.get_linestyle(), it.get_marker()) for it in drawn}) == 20
    series = {f"kind {number}": [Point("1", line[2], line[8])] for number in range(9)}
    assert scatter(series, "x", "y", {}).axes[0].get_legend_handles_labels()[1] == list(series)


def test_curves_show_means_with_intervals_and_references():
    line = {size: Interval(mean=size, low=size - 1, high=size + 1, n=9) for size in (2, 8, 32)}
    figure = curves(
        [Curves("information", {"plain": line}, {"pixels": 12.0}), Curves("error", {"plain": line})], "size"
    )
    first = figure.axes[0]
    assert first.lines[0].get_xydata().tolist() == [[2, 2], [8, 8], [32, 32]]
    assert list(first.lines[1].get_ydata()) == [12, 12]
    assert [label.get_text() for label in first.get_xticklabels()] == ["2", "8", "32"]
    band = first.collections[0].get_paths()[0].vertices
    assert {1.0, 3.0, 31.0, 33.0} <= set(band[:, 1])
    picture = Image.open(io.BytesIO(png(figure)))
    assert min(picture.size) > 300
