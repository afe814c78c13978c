"""Ratios of two means over pictures: their value, their interval, and how far chance takes them."""

import pytest
import torch

from daecore.rng import stream
from daecore.stats.ratio import FEWEST, Ratio


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    """95 % of 300 bootstrap intervals of 100 pictures, within what counting leaves."""
    hits = 0
    for seed in range(300):
        generator = stream(seed, "ratio")
        below = torch.rand(100, generator=generator)
        ratio = Ratio(3 * below + torch.randn(100, generator=generator), below)
        found = ratio.interval(stream(seed, "bootstrap"))
        hits += found.low <= 3 <= found.high
    assert 0.91 <= hits / 300 <= 0.98


@pytest.mark.parametrize("skewed", [False, True])
def test_chance_leaves_the_tolerance_as_often_as_the_level_says(skewed: bool) -> None:
    """5 % of 2,000 sets of 60 pictures; where a few pictures hold most of the error, no more than that."""
    outside = 0
    for seed in range(2000):
        generator = stream(seed, "tolerance")
        one, two = torch.randn(2, 60, generator=generator).exp() if skewed else torch.rand(2, 60, generator=generator)
        ratio = Ratio(one, two)
        outside += abs(ratio.value - 1) > ratio.tolerance(1.0, 0.05)
    assert outside / 2000 < 0.065
    assert skewed or outside / 2000 > 0.035


def test_the_tolerance_of_a_symmetric_measure_is_students() -> None:
    """Against scipy's interval of a mean, which knows nothing of ratios."""
    from scipy import stats

    generator = stream(0, "student")
    half = torch.randn(50, generator=generator).double()
    values = torch.cat([half, -half]) + 1.0  # no skewness at all
    low, high = stats.ttest_1samp(values.numpy(), 1.0).confidence_interval(0.99)
    found = Ratio(values, torch.ones(100)).tolerance(1.0, 0.01)
    assert found == pytest.approx((high - low) / 2, rel=1e-6)


def test_few_pictures_are_not_enough() -> None:
    below = torch.zeros(100)
    below[: FEWEST - 1] = 1
    assert not Ratio(below, below).enough
    below[FEWEST] = 1
    assert Ratio(below, below).enough
