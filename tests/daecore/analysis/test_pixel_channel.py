"""What is counted of a corruption, against densities in closed form."""

import math

import pytest
import torch
from torch import Tensor

from daecore.analysis.pixel_channel import LEVELS, Bins, FactoredChannel, PixelChannel
from daecore.rng import stream

LEVEL = torch.linspace(0, 1, LEVELS)
COUNT = 400


def references() -> Tensor:
    """Every level equally often: float32 ``(400, 1, 33, 20)``."""
    return LEVEL[:, None].expand(COUNT, 1, LEVELS, 20).contiguous()


def nats(channel: FactoredChannel, values: Tensor) -> Tensor:
    """The channel's log-likelihood ``(values, levels)``, its mean over levels taken away."""
    found = channel.seen[channel.bins(values).long()] @ channel.shown.T
    return found - found.mean(1, keepdim=True)


def test_gaussian_noise_is_found_in_its_counts() -> None:
    """Its log-density, blurred by the width: to 0.1 nats on the average, within two sigma of the middle."""
    x, sigma, width = references(), 0.5, 0.03
    y = x + sigma * torch.randn(x.shape, generator=stream(0, "noise"))
    values = torch.linspace(-0.5, 1.5, 21)
    exact = (values[:, None] - LEVEL).square() / (-2 * (sigma**2 + width**2))
    found = nats(PixelChannel.measure(x, y).smoothed(width), values)
    assert (found - (exact - exact.mean(1, keepdim=True))).abs().mean() < 0.1


def test_of_erased_pixels_black_says_little_and_any_other_value_nearly_all() -> None:
    """Half of the pixels are erased: the odds of black, given black against white, are 1 : 1 / 2."""
    x = references()
    y = x * (torch.rand(x.shape, generator=stream(0, "erased")) < 0.5)
    black, grey = nats(PixelChannel.measure(x, y).smoothed(0.03), torch.tensor([0.0, 0.5]))
    assert (black[0] - black[-1]).item() == pytest.approx(math.log(2), abs=0.25)
    assert grey.argmax() == LEVELS // 2
    assert grey[LEVELS // 2] - grey[0] > 50


def test_a_level_that_was_never_drawn_has_what_its_neighbours_have() -> None:
    x = references()
    x[x == LEVEL[16]] = LEVEL[15]
    y = x + 0.3 * torch.randn(x.shape, generator=stream(0, "noise"))
    found = nats(PixelChannel.measure(x, y).smoothed(0.03), torch.tensor([0.1, 0.9]))
    assert ((found[:, 15] + found[:, 17]) / 2 - found[:, 16]).abs().max() < 0.3


def test_factors_are_those_of_every_pixel() -> None:
    """Of pictures they are what the table holds, place by place."""
    x = references()[:50]
    channel = PixelChannel.measure(x, x)
    factored = channel.smoothed(0.1)
    y = torch.rand(2, 1, 3, 5, generator=stream(0, "y"))
    seen, shown = factored.corrupted_factors(y), factored.original_factors(channel.levels(y))
    assert seen.shape == shown.shape == (2, 4, 3, 5)
    assert torch.equal(seen[1, :, 2, 4], factored.seen[factored.bins(y[1, 0, 2, 4]).long()])
    assert torch.equal(shown[1, :, 2, 4], factored.shown[channel.levels(y[1, 0, 2, 4]).long()])


def test_equal_pictures_are_one_level_and_give_finite_factors() -> None:
    black = torch.zeros(3, 1, 4, 4)
    factored = PixelChannel.measure(black, black).smoothed(0.1)
    assert torch.isfinite(factored.seen).all()
    assert torch.isfinite(factored.shown).all()


def test_values_beyond_the_last_bin_belong_to_it() -> None:
    bins = Bins.between(0.0, 1.0, 5)
    assert bins(torch.tensor([-9.0, 0.0, 0.12, 0.13, 1.0, 9.0])).tolist() == [0, 0, 0, 1, 4, 4]
