import io

import pytest
from PIL import Image

from daecore.plots.figures import png
from daecore.plots.parallel_coordinates import parallel_coordinates


def test_parallel_coordinates_take_numbers_names_and_rows_without_a_figure():
    """A scale each: by size, logarithmic over a wide span, at even distances for names; a missing figure ends early."""
    rows = [
        {"rate": 10.0**-power, "network": name, "compile": True, "loss": None if power == 2 else power / 10}
        for power in (1, 2, 3)
        for name in ("conv", "dense")
    ]
    figure = parallel_coordinates(rows, "loss", best=0)
    picture = Image.open(io.BytesIO(png(figure)))
    assert picture.format == "PNG"
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == ["0.001", "0.01", "0.1", "conv", "dense", "True"]
    heights = [text.get_position()[1] for text in figure.axes[0].texts[:3]]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1])
    assert len(figure.axes[0].patches) == len(rows) + 1  # the best has a white edge beneath


def test_parallel_coordinates_of_one_row_are_a_picture():
    """Nothing is divided by a span of zero."""
    png(parallel_coordinates([{"epochs": 1, "loss": 0.5}], "loss", higher=True, log=["epochs"], best=0))
    png(parallel_coordinates([{"epochs": 1, "loss": None}], "loss"))
