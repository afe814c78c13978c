"""The local posterior mean, against the exact posterior and sums written out."""

import pytest
import torch
from torch import Tensor

from daecore.analysis.likelihood import GaussianNoised
from daecore.analysis.local_posterior import GaussianPixels, local_posterior_mean
from daecore.analysis.posterior import posterior
from daecore.errors import InputError
from daecore.rng import stream

SIGMA = 0.7


def images(count: int, channels: int = 1) -> Tensor:
    """Stored pictures of 7 x 6 pixels."""
    return torch.randint(0, 256, (count, channels, 7, 6), generator=stream(0, "images"), dtype=torch.uint8)


def noisy(count: int, channels: int = 1) -> Tensor:
    return torch.randn((count, channels, 7, 6), generator=stream(0, "noisy")).add_(0.5)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_window_as_wide_as_the_picture_gives_the_exact_posterior_mean(channels: int) -> None:
    y, x = noisy(60, channels), images(40, channels)
    exact = posterior(y, x, GaussianNoised(SIGMA)).mean
    found = local_posterior_mean(y, x, GaussianPixels(SIGMA), window=13)
    assert (found - exact).abs().max() < 1e-5


@pytest.mark.parametrize("window", [1, 3, 5, 9])
def test_each_pixel_is_the_posterior_mean_of_its_window_alone(window: int) -> None:
    """Cut out by hand at every place, at the border too."""
    y, x, reach = noisy(3), images(40), window // 2
    found = local_posterior_mean(y, x, GaussianPixels(SIGMA), window=window)
    for row in range(7):
        for column in range(6):
            top, left = max(0, row - reach), max(0, column - reach)
            here = (..., slice(top, row + reach + 1), slice(left, column + reach + 1))
            exact = posterior(y[here], x[here], GaussianNoised(SIGMA)).mean[:, 0, row - top, column - left]
            assert (found[:, 0, row, column] - exact).abs().max() < 1e-5


def test_the_same_input_gives_the_same_bytes_and_a_picture_does_not_depend_on_the_others() -> None:
    y, x = noisy(60), images(40)
    once, again = (local_posterior_mean(y, x, GaussianPixels(SIGMA), window=3) for _ in range(2))
    assert torch.equal(once, again)
    alone = local_posterior_mean(y[7:8], x, GaussianPixels(SIGMA), window=3)
    assert (alone - once[7:8]).abs().max() < 1e-6


def test_with_references_these_are_compared_and_the_originals_averaged() -> None:
    """Here a negative stands for each original: what resembles a negative becomes its original."""
    x = images(40)
    found = local_posterior_mean(1 - x / 255, x, GaussianPixels(0.05), window=13, references=255 - x)
    assert (found - x / 255).abs().max() < 1e-3


def test_a_pixel_that_is_equal_in_all_originals_keeps_its_value() -> None:
    x = images(40)
    x[:, :, 2, 3] = 51
    x[:, :, 5] = 0
    found = local_posterior_mean(noisy(4), x, GaussianPixels(SIGMA), window=3)
    assert found[:, 0, 2, 3].tolist() == pytest.approx([0.2] * 4)
    assert not found[:, :, 5].any()


def test_far_from_all_originals_the_weights_still_sum_to_one() -> None:
    found = local_posterior_mean(noisy(4) + 1000, images(40), GaussianPixels(0.1), window=5)
    assert torch.isfinite(found).all()
    assert 0 <= found.min() <= found.max() <= 1


@pytest.mark.parametrize("window", [-1, 0, 4])
def test_an_even_window_has_no_middle(window: int) -> None:
    with pytest.raises(InputError, match=f"the window is {window} pixels wide. Give an odd number"):
        local_posterior_mean(noisy(1), images(2), GaussianPixels(SIGMA), window=window)


@pytest.mark.parametrize(
    ("y", "references"),
    [(noisy(1)[..., :5], images(2)), (noisy(1), images(3)), (noisy(1)[0], images(2)), (noisy(1), images(2)[..., 1:])],
    ids=["smaller", "too many references", "one picture", "smaller references"],
)
def test_pictures_that_do_not_fit_together_are_refused(y: Tensor, references: Tensor) -> None:
    with pytest.raises(InputError, match="pixel by pixel with originals and their references"):
        local_posterior_mean(y, images(2), GaussianPixels(SIGMA), window=3, references=references)
