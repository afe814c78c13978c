"""Scores of filters: what a wave, a blob, a speck and noise get, against closed forms."""

import math

import numpy as np
import pytest
import torch
from skimage.filters import gabor_kernel
from torch import Tensor

from daecore.analysis.filter_tuning import grain, orientation_selectivity, support
from daecore.analysis.gabor import Wave, changes, gabor
from daecore.analysis.gabor_fit import fit_gabor
from daecore.rng import stream

SIDE = 12


def noise(count: int) -> Tensor:
    return torch.randn((count, SIDE, SIDE), generator=stream(0, "filters"), dtype=torch.float64)


def waves(count: int) -> Tensor:
    """Gabor functions of random shape, phase, size and offset."""
    generator = stream(0, "waves")
    low = torch.tensor([-3, -3, 0, 0.08, 0.3, 0.6], dtype=torch.float64)
    high = torch.tensor([3, 3, math.pi, 0.3, 0.6, 2.0], dtype=torch.float64)
    shapes = low + (high - low) * torch.rand((count, 6), generator=generator, dtype=torch.float64)
    even, odd = gabor(Wave(*shapes.T), SIDE)
    phase, size, offset = torch.rand((3, count, 1, 1), generator=generator, dtype=torch.float64)
    turn = 2 * math.pi * phase
    return (0.1 + 5 * size) * (even * turn.cos() + odd * turn.sin()) + offset


def blob(width: float) -> Tensor:
    """A Gaussian with a darker surround, centred between pixels: the difference of two, round."""
    at = torch.arange(SIDE, dtype=torch.float64) - (SIDE - 1) / 2
    squares = at[:, None].square() + at[None, :].square()
    return torch.exp(-squares / (2 * width**2)) - 0.25 * torch.exp(-squares / (8 * width**2))


def test_a_gabor_function_is_found_again() -> None:
    """Whatever its shape, phase, amplitude and offset; the function that comes back is the filter itself."""
    filters = waves(40)
    found = fit_gabor(filters)
    assert found.r2.min() > 0.99
    assert (found.images - filters).square().mean() < 1e-3 * filters.var()


def test_the_functions_are_scikit_image_s() -> None:
    """The same kernel, but for its normalisation; its angle runs from the columns' direction."""
    kernel = gabor_kernel(0.2, theta=math.pi / 2 - 0.6, sigma_x=2.0, sigma_y=3.0, n_stds=2)
    side = min(kernel.shape) // 2 * 2 - 1
    at = [(length - side) // 2 for length in kernel.shape]
    theirs = kernel[at[0] : at[0] + side, at[1] : at[1] + side] * 2 * math.pi * 6
    even, odd = gabor(Wave(*(torch.tensor([it]) for it in (0.0, 0.0, 0.6, 0.2, 0.4, 1.5))), side)
    np.testing.assert_allclose(even[0], theirs.real, atol=1e-6)
    np.testing.assert_allclose(odd[0], theirs.imag, atol=1e-6)


def test_a_single_pixel_fits_well_and_has_no_orientation() -> None:
    """It is like a very short wave: this is why a filter has two scores."""
    pixel = torch.zeros((1, SIDE, SIDE))
    pixel[0, 5, 6] = 1
    assert fit_gabor(pixel).r2.item() > 0.8
    assert orientation_selectivity(pixel).item() < 0.1


def test_noise_is_no_wave() -> None:
    """A Gabor function's nine numbers explain little of 144 independent ones, and no direction stands out."""
    filters = noise(60)
    assert 9 / 144 < fit_gabor(filters).r2.mean() < 0.25
    assert orientation_selectivity(filters).mean() < 0.2


def test_a_round_blob_has_no_direction_and_a_grating_has_one() -> None:
    assert orientation_selectivity(torch.stack([blob(1), blob(2)])).max() < 0.01
    turn = 2 * math.pi * 0.2 * torch.arange(SIDE, dtype=torch.float64)
    assert orientation_selectivity(turn.cos().expand(1, SIDE, SIDE)).item() > 0.8


def test_a_quarter_turn_changes_no_score() -> None:
    filters = torch.cat([noise(10), waves(10)])
    turned = torch.rot90(filters, 1, (1, 2))
    torch.testing.assert_close(fit_gabor(turned).r2, fit_gabor(filters).r2, atol=0.01, rtol=0)
    for score in (orientation_selectivity, support, grain):
        torch.testing.assert_close(score(turned), score(filters))


def test_sign_size_and_offset_change_no_score() -> None:
    filters = noise(5)
    other = 0.3 - 7 * filters
    for score in (orientation_selectivity, support, grain):
        torch.testing.assert_close(score(other), score(filters))
    torch.testing.assert_close(fit_gabor(other).r2, fit_gabor(filters).r2)


def test_a_batch_is_scored_as_each_filter_alone() -> None:
    filters = torch.cat([noise(3), waves(3)])
    for score in (lambda it: fit_gabor(it).r2, orientation_selectivity, support, grain):
        alone = torch.cat([score(one[None]) for one in filters])
        torch.testing.assert_close(score(filters), alone, atol=1e-6, rtol=0)


def test_support_counts_pixels() -> None:
    """Four bright and four dark pixels have a support of eight; noise, E[x^2]^2 / E[x^4], a third of all."""
    checks = torch.zeros(1, SIDE, SIDE)
    checks[0, 3, 2:6], checks[0, 7, 2:6] = 1, -1
    assert support(checks).item() == pytest.approx(8)
    assert support(noise(500)).mean().item() == pytest.approx(SIDE**2 / 3, rel=0.05)


def test_grain_is_a_length() -> None:
    """A grating's is its wavelength; noise fills the circle of frequencies evenly, 1 / sqrt(mean f^2) = sqrt(8)."""
    side = 60
    grating = (2 * math.pi * torch.arange(side) / 6).cos().expand(1, side, side)
    assert grain(grating).item() == pytest.approx(6, rel=0.1)
    assert grain(noise(500)).mean().item() == pytest.approx(math.sqrt(8), rel=0.03)


def test_a_filter_without_variance_scores_zero() -> None:
    """Not NaN, whatever its level."""
    flat = torch.stack([torch.zeros(SIDE, SIDE), torch.full((SIDE, SIDE), 0.3)])
    for score in (lambda it: fit_gabor(it).r2, orientation_selectivity, support, grain):
        assert score(flat).tolist() == [0, 0]


def test_the_changes_are_the_derivatives_of_the_functions() -> None:
    """By each of the six numbers: against small differences, for the even and the odd function."""
    shapes = torch.tensor([[0.3, -0.7, 0.4, 0.2, 0.4, 1.3], [1, 2, 1.1, 0.1, 0.6, 0.7]], dtype=torch.float64)
    even, odd = (it.flatten(1) for it in gabor(Wave(*shapes.T), SIDE))
    grown, turned = changes(Wave(*shapes.T), SIDE)
    for number, move in enumerate(1e-6 * torch.eye(6, dtype=torch.float64)):
        above, below = gabor(Wave(*(shapes + move).T), SIDE), gabor(Wave(*(shapes - move).T), SIDE)
        slopes = [((up - down) / 2e-6).flatten(1) for up, down in zip(above, below, strict=True)]
        torch.testing.assert_close(grown[:, number] * even - turned[:, number] * odd, slopes[0], atol=1e-8, rtol=1e-6)
        torch.testing.assert_close(grown[:, number] * odd + turned[:, number] * even, slopes[1], atol=1e-8, rtol=1e-6)
