"""Layouts: which axes of an array are pictures, colour, height and width, and that nothing moves on the way."""

import numpy as np
import pytest

from daecore.errors import InputError
from daecore.trained.layout import Layout


@pytest.mark.parametrize(
    ("shape", "first", "axes", "batch"),
    [
        ((5, 6), False, "HW", (1, 1, 5, 6)),
        ((5, 6, 3), False, "HWC", (1, 3, 5, 6)),
        ((5, 6, 1), False, "HWC", (1, 1, 5, 6)),
        ((3, 5, 6), False, "CHW", (1, 3, 5, 6)),
        ((3, 5, 6), True, "CHW", (1, 3, 5, 6)),
        ((5, 6, 3), True, "HWC", (1, 3, 5, 6)),
        ((3, 6, 3), False, "HWC", (1, 3, 3, 6)),
        ((3, 6, 3), True, "CHW", (1, 3, 6, 3)),
        ((4, 5, 6), False, "NHW", (4, 1, 5, 6)),
        ((2, 3, 5, 6), False, "NCHW", (2, 3, 5, 6)),
        ((2, 1, 5, 6), True, "NCHW", (2, 1, 5, 6)),
        ((2, 5, 6, 3), True, "NHWC", (2, 3, 5, 6)),
    ],
)
def test_axes_are_known_by_their_lengths(
    shape: tuple[int, ...], first: bool, axes: str, batch: tuple[int, ...]
) -> None:
    """Where both ends could be colour NumPy's is last and PyTorch's first; and each array comes back as it was."""
    layout = Layout.of(shape, 1, first=first)
    values = np.arange(np.prod(shape)).reshape(shape)
    assert layout.axes == axes
    assert layout.batch(values).shape == batch
    assert np.array_equal(layout.unbatch(layout.batch(values)), values)


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 3), (3, 5, 6), (4, 5, 6), (2, 5, 6, 3), (2, 3, 5, 6)])
def test_further_axes_may_stand_before_and_the_size_may_change(shape: tuple[int, ...]) -> None:
    """As samples have them, of a network that enlarges."""
    layout = Layout.of(shape, 1, first=False)
    values = np.random.default_rng(0).random((7, *shape))
    batches = np.stack([layout.batch(it) for it in values])
    assert np.array_equal(layout.unbatch(batches, leading=1), values)
    larger = layout.unbatch(batches.repeat(2, axis=-1).repeat(2, axis=-2), leading=1)
    doubled = {"H": 2, "W": 2}
    assert larger.shape == (
        7, *(size * doubled.get(axis, 1) for size, axis in zip(shape, layout.axes, strict=True)),
    )  # fmt: skip


def test_as_many_channels_as_the_network_has_are_colour() -> None:
    assert Layout.of((4, 5, 6), 4, first=False).axes == "CHW"
    assert Layout.of((5, 6, 4), 4, first=False).axes == "HWC"
    assert Layout.of((2, 5, 6, 4), 4, first=False).axes == "NHWC"


@pytest.mark.parametrize("shape", [(), (5,), (5, 6, 4), (5, 6, 2), (2, 4, 5, 6), (2, 5, 6, 4), (1, 2, 3, 5, 6)])
def test_transparency_and_other_axes_are_refused(shape: tuple[int, ...]) -> None:
    """Neither grey nor colour with transparency passes for many narrow pictures."""
    with pytest.raises(InputError, match="is no picture that is taken") as told:
        Layout.of(shape, 1, first=False)
    assert f"shape {shape}" in str(told.value)
