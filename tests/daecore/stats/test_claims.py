"""How differences are told, and when they are not claimed."""

import pytest

from daecore.stats.claims import doubt, fewer_errors, fewer_errors_than, format_interval, is_claim
from daecore.stats.intervals import Interval


def interval(mean: float, low: float, high: float, n: int = 5) -> Interval:
    return Interval(mean=mean, low=low, high=high, n=n)


def test_a_mean_stands_before_its_interval() -> None:
    assert format_interval(interval(0.421, 0.314, 0.526)) == "0.42 [0.31, 0.53]"
    assert format_interval(interval(0.421, -0.314, 0.526), "+.1f") == "+0.4 [-0.3, +0.5]"


@pytest.mark.parametrize(
    ("difference", "why"),
    [
        (interval(1, 0.5, 1.5), ""),
        (interval(-1, -1.5, -0.5), ""),
        (interval(1, -0.5, 2.5), "the interval contains zero"),
        (interval(1, 0.5, 1.5, n=4), "4 values are too few"),
        (interval(1, -0.5, 2.5, n=4), "the interval contains zero"),
    ],
)
def test_a_claim_takes_an_interval_without_zero_and_five_values(difference: Interval, why: str) -> None:
    assert doubt(difference) == (f"; no difference is claimed: {why}" if why else "")
    assert is_claim(difference) is not bool(why)


def test_a_loss_is_told_as_more_errors() -> None:
    assert fewer_errors(interval(0.42, 0.31, 0.53)) == "0.42 [0.31, 0.53] percentage points fewer errors"
    assert fewer_errors(interval(-0.42, -0.53, -0.31)) == "0.42 [0.31, 0.53] percentage points more errors"
    assert fewer_errors(interval(-0.1, -0.3, 0.1)) == (
        "0.10 [-0.10, 0.30] percentage points more errors; no difference is claimed: the interval contains zero"
    )


def test_differences_from_several_are_told_by_what_can_be_said_of_them() -> None:
    """Gains, losses, and what is not claimed with its reason."""
    found = fewer_errors_than(
        {
            "scratch": interval(0.8, 0.5, 1.1),
            "plain": interval(-0.25, -0.35, -0.15),
            "l2": interval(0.1, -0.1, 0.3),
            "random": interval(9, 8, 10, n=3),
        }
    )
    assert found.split("; ") == [
        "fewer errors 0.80 [0.50, 1.10] than scratch",
        "more errors 0.25 [0.15, 0.35] than plain",
        "no difference is claimed: 0.10 [-0.10, 0.30] fewer than l2 (the interval contains zero), "
        "9.00 [8.00, 10.00] fewer than random (3 values are too few)",
    ]
    assert fewer_errors_than({}) == ""
