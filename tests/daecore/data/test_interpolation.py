"""Interpolation is what Pillow does with images of floats, by the batch."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from daecore.data.interpolation import INTERPOLATIONS, Method, interpolate


@pytest.mark.parametrize("method", INTERPOLATIONS)
@pytest.mark.parametrize("size", [(28, 28), (21, 37), (14, 9)])
def test_it_is_pillows_resize(method: Method, size: tuple[int, int]) -> None:
    """Image by image and channel by channel the same, enlarged and made smaller, to float32 rounding."""
    x = torch.rand(3, 2, 14, 11, generator=torch.Generator().manual_seed(0))
    ours = interpolate(x, size, method)
    assert ours.shape == (3, 2, *size)
    for image, resized in zip(x.flatten(0, 1), ours.flatten(0, 1), strict=True):
        theirs = Image.fromarray(image.numpy()).resize((size[1], size[0]), Image.Resampling[method.upper()])
        np.testing.assert_allclose(resized.numpy(), np.asarray(theirs), atol=1e-6)


@pytest.mark.parametrize("method", INTERPOLATIONS)
def test_a_constant_image_stays_constant(method: Method) -> None:
    """Weights sum to one, also at borders."""
    torch.testing.assert_close(
        interpolate(torch.full((1, 1, 5, 7), 0.3), (10, 14), method), torch.full((1, 1, 10, 14), 0.3)
    )


def test_nearest_repeats_pixels() -> None:
    """Two by two pixels become four by four, each a square of two by two."""
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    expected = torch.tensor([[1.0, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]])
    assert torch.equal(interpolate(x, (4, 4), "nearest")[0, 0], expected)


def test_bilinear_is_torchs_with_pixels_as_areas() -> None:
    """Corners are not aligned, as for the baseline that enlarges bilinearly."""
    x = torch.rand(2, 1, 14, 14, generator=torch.Generator().manual_seed(0))
    theirs = F.interpolate(x, size=(28, 28), mode="bilinear", align_corners=False)
    torch.testing.assert_close(interpolate(x, (28, 28), "bilinear"), theirs, atol=1e-6, rtol=0)


def test_sharper_rules_overshoot() -> None:
    """Next to an edge bicubic and Lanczos leave the range of their input; nothing clips them."""
    edge = torch.zeros(1, 1, 8, 8)
    edge[..., 4:] = 1
    over = {method: interpolate(edge, (16, 16), method).max().item() for method in INTERPOLATIONS}
    assert over["nearest"] == over["bilinear"] == 1
    assert min(over["bicubic"], over["lanczos"]) > 1.01
