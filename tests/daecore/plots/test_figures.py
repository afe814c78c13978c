import io
import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from daecore.errors import InputError
from daecore.plots.figures import arrows, difference_histogram, differences, loss_curves, panel, png, psnr_histogram
from daecore.plots.samples import sample_panel
from daecore.stats.intervals import Interval


@pytest.mark.parametrize("channels", [1, 3])
def test_a_panel_has_a_row_per_label_and_at_most_twelve_images(channels):
    figure = panel({"original": torch.rand(20, channels, 8, 8), "corrupted": 3 * torch.randn(20, channels, 4, 4)})
    [axis] = figure.axes
    assert len(axis.images) == 2 * 12
    assert [label.get_text() for label in axis.texts] == ["original", "corrupted"]
    shown = axis.images[12].get_array()
    assert 0 <= shown.min() <= shown.max() <= 1


def test_images_of_a_panel_keep_their_shape_and_do_not_overlap():
    figure = panel({"square": torch.rand(3, 1, 8, 8), "wide": torch.rand(3, 1, 4, 8)})
    png(figure)
    boxes = [image.get_window_extent() for image in figure.axes[0].images]
    assert [box.width / box.height for box in boxes] == pytest.approx(3 * [1] + 3 * [2])
    for one, other in itertools.pairwise(boxes[:3]):
        assert one.x1 < other.x0
    assert min(box.y0 for box in boxes[:3]) > max(box.y1 for box in boxes[3:])


def test_labels_of_a_panel_lie_within_the_picture():
    figure = panel({"best baseline: total_variation": torch.rand(2, 1, 8, 8)})
    png(figure)
    assert figure.axes[0].texts[0].get_window_extent().x0 >= 0


def test_every_figure_becomes_a_png():
    points = torch.randn(30, 2)
    figures = [
        loss_curves([(1, 0.5, None), (2, 0.3, 0.4)]),
        loss_curves([(1, -0.5, None)]),
        psnr_histogram({"corrupted": np.linspace(5, 9, 40, dtype=np.float32), "restored": np.full(7, 20.0)}),
        difference_histogram(np.linspace(-1, 3, 40), "PSNR / dB"),
        difference_histogram(np.zeros(1), "PSNR / dB"),
        differences({430: Interval(mean=-0.2, low=-0.3, high=-0.1, n=5)}, "steps", "dB"),
        arrows(points, 0.5 * points, torch.randn(50, 2)),
    ]
    for figure in figures:
        picture = Image.open(io.BytesIO(png(figure)))
        assert picture.format == "PNG"
        assert min(picture.size) > 300


def test_differences_are_drawn_with_their_interval_beside_zero():
    found = {steps: Interval(mean=mean, low=mean - 1, high=mean + 2, n=5) for steps, mean in ((1, 4.0), (2, 3.0))}
    axis = differences(found, "steps", "difference / dB").axes[0]
    zero, means = axis.lines
    assert set(zero.get_ydata()) == {0}
    assert list(means.get_ydata()) == [4, 3]
    corners = axis.collections[0].get_paths()[0].vertices
    assert {tuple(corner) for corner in corners} == {(1, 3), (1, 6), (2, 2), (2, 5)}


def test_a_panel_of_samples_shows_what_was_there_what_can_have_been_and_how_far_that_differs() -> None:
    """Two samples that are black and white have a deviation of 0.707, beyond the 0.5 which is white."""
    x = torch.zeros(3, 1, 4, 4)
    figure = sample_panel(x, x, x, torch.stack([x, x + 1]))
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert labels == ["original", "corrupted", "mean", "sample 1", "sample 2", "deviation"]
    assert [float(image.get_array().max()) for image in figure.axes[0].images[-3:]] == [1.0] * 3  # type: ignore[union-attr]
    with pytest.raises(InputError, match="at least two samples"):
        sample_panel(x, x, x, x[None])
