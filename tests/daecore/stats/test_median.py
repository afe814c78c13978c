import pytest
import torch
from scipy import stats

from daecore.errors import InputError
from daecore.rng import stream
from daecore.stats.median import median


def test_the_ends_are_those_of_the_binomial() -> None:
    """Of a hundred values the 40th and the 61st: the textbook's table, and scipy's quantiles."""
    found = median(torch.arange(1.0, 101.0).flip(0))
    assert (found.mean, found.low, found.high, found.n) == (50.5, 40, 61, 100)
    for count in (6, 9, 50, 96, 5000):
        rank = int(stats.binom.ppf(0.025, count, 0.5))
        rank -= stats.binom.cdf(rank - 1, count, 0.5) > 0.025
        assert median(torch.arange(1.0, count + 1)).low == rank


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    """Of skewed values: at least 95 % of 2,000 sets of 30, and not all."""
    values = -torch.rand(2000, 30, generator=stream(0, "median"), dtype=torch.float64).log()
    found = [median(some) for some in values]
    share = sum(it.low <= torch.tensor(2.0).log().item() <= it.high for it in found) / len(found)
    assert 0.94 < share < 0.98


def test_five_values_hold_no_interval() -> None:
    with pytest.raises(InputError, match="at least 6 values and got 5"):
        median([1.0, 2, 3, 4, 5])
