"""Consistency of samples: an exact sampler has every ideal; ties and choices leave no bias behind."""

import pytest
import torch
from torch import Tensor

from daecore.errors import InputError
from daecore.evaluation.consistency import (
    coverage,
    covered,
    error_over_mean,
    error_over_own_mean,
    ideal_coverage,
    variance_by_decile,
)
from daecore.evaluation.sampling import measure_consistency
from daecore.rng import stream
from daecore.stats.ratio import Ratio

LEVEL = 1e-5


def draws(kind: str, count: int, pictures: int = 400, *, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """A truth, ``count`` samples and the exact standard deviation, all of one distribution, pixel by pixel."""
    generator = stream(seed, "draws", kind)
    width = torch.rand((pictures, 1, 6, 6), generator=generator).square() * 0.4
    shape = (count + 1, *width.shape)
    if kind == "normal":
        drawn = 0.5 + width * torch.randn(shape, generator=generator)
        std = width
    elif kind == "black or white":
        drawn, std = (torch.rand(shape, generator=generator) < width).float(), (width * (1 - width)).sqrt()
    else:  # mostly black, else grey of a few levels
        drawn = (torch.rand(shape, generator=generator) < width) * torch.randint(0, 4, shape, generator=generator) / 3
        std = (width * (14 / 36) - (width / 2).square()).sqrt()
    return drawn[0], drawn[1:], std


def is_off(ratio: Ratio, ideal: float) -> float:
    """How far from the ideal, in tolerances."""
    return abs(ratio.value - ideal) / ratio.tolerance(ideal, LEVEL)


KINDS = ("normal", "black or white", "grey")


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_an_exact_sampler_has_twice_the_error_of_its_mean(kind: str, count: int) -> None:
    """2, for two samples and for eight: the mean of K is corrected by 1 + 1/K."""
    truth, samples, _ = draws(kind, count)
    assert is_off(error_over_own_mean(truth, samples), 2) < 1


def test_samples_that_are_too_narrow_have_less() -> None:
    """Half the variance around the right mean: 1.5; none at all, K samples alike: 1 + 1/K."""
    mean = torch.zeros(4000, 4)
    generator = stream(0, "narrow")
    truth, samples = torch.randn(mean.shape, generator=generator), torch.randn((8, *mean.shape), generator=generator)
    assert error_over_mean(truth, 0.5**0.5 * samples, mean).value == pytest.approx(1.5, abs=0.03)
    assert error_over_mean(truth, samples, mean).value == pytest.approx(2, abs=0.03)
    assert error_over_own_mean(truth, mean.expand(8, *mean.shape)).value == pytest.approx(1 + 1 / 8, rel=1e-6)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_an_exact_samplers_variance_is_right_in_every_decile(kind: str, known: bool) -> None:
    """Sorting by an estimate leaves no bias behind. Its own estimate would: 7 % too much in the last decile."""
    truth, samples, std = draws(kind, 8, 3000)
    for it in variance_by_decile(truth, samples, std if known else None):
        assert it.share < 0.01 or is_off(it.ratio, 1) < 1, it.number
    assert sum(it.share for it in variance_by_decile(truth, samples)) == pytest.approx(1)


def test_sorting_by_what_is_measured_would_be_found() -> None:
    """The test above can fail: the samples' own variance as the key makes the last decile too wide."""
    truth, samples, _ = draws("normal", 8, 3000)
    last = variance_by_decile(truth, samples, samples.std(0))[-1]
    assert is_off(last.ratio, 1) > 1
    assert last.ratio.value > 1.05


def test_the_deciles_hold_their_share() -> None:
    """The last one holds most of the error, and a quarter of the variance is found where it is.

    The mean of such samples is too good for the correction: ``(1/4) (1 + 1/8) / (1 + 1/32)`` is what one reads.
    """
    truth, samples, std = draws("normal", 8, 3000)
    wrong = torch.where(std > 0.25, 0.5 + (samples - 0.5) / 2, samples)
    found = variance_by_decile(truth, wrong, std)
    assert found[-1].share > 0.25
    assert found[-1].ratio.value == pytest.approx(0.25 * (1 + 1 / 8) / (1 + 1 / 32), abs=0.02)
    assert found[5].ratio.value == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_an_exact_sampler_covers_as_often_as_it_must(kind: str, known: bool, count: int) -> None:
    """(K - 1) / (K + 1), with many ties or none, where the uncertain pixels are known or chosen."""
    truth, samples, std = draws(kind, count, 1500)
    assert is_off(coverage(truth, samples, std if known else None), ideal_coverage(count)) < 1


def test_choosing_by_the_samples_alone_would_be_found() -> None:
    """The test above can fail: pixels at which the samples happen to differ have too wide a span."""
    truth, samples, _ = draws("black or white", 8, 1500)
    assert is_off(coverage(truth, samples, samples.std(0)), ideal_coverage(8)) > 1


@pytest.mark.parametrize("count", [1, 2, 5])
def test_ties_broken_by_lot_leave_no_bias_at_all(count: int) -> None:
    """Over all (K + 1)! orders of any K + 1 values, ties or none, the mean is exactly (K - 1) / (K + 1)."""
    values = torch.randint(0, 3, (count + 1, 500), generator=stream(0, "ties"))
    found = [covered(values[i], torch.cat([values[:i], values[i + 1 :]])) for i in range(count + 1)]
    assert torch.allclose(torch.stack(found).mean(0), torch.full((500,), ideal_coverage(count)).double())


def test_the_report_says_passed_of_an_exact_sampler_and_failed_of_its_mean() -> None:
    truth, samples, std = draws("normal", 8, 3000)
    mean = torch.full_like(truth, 0.5)
    report = measure_consistency(truth, samples, mean)
    assert {key: it.verdict for key, it in report.measures.items()} == dict.fromkeys(report.measures, "passed")
    floor = report.measures["coverage"].floor
    assert floor is not None
    assert floor.low < 7 / 9 < floor.high
    flat = measure_consistency(truth, mean.expand_as(samples), mean, exact_std=std)
    assert {key: it.verdict for key, it in flat.measures.items()} == dict.fromkeys(report.measures, "failed")


def test_the_worst_decile_is_the_farthest_and_its_interval_is_for_all_of_them() -> None:
    """By the ratio of normal quantiles, 1.43 for ten deciles."""
    drawn = torch.randn((9, 500, 4), generator=stream(0, "alike"))
    report = measure_consistency(drawn[0], drawn[1:], torch.zeros(500, 4))
    worst = max((it.ratio for it in report.deciles if it.ratio), key=lambda it: abs(it.mean - 1))
    found = report.measures["variance"].value
    assert [it.counts for it in report.deciles] == [True] * 10
    assert found is not None
    assert found.mean == worst.mean
    assert (found.high - found.mean) / (worst.high - worst.mean) == pytest.approx(2.807 / 1.960, abs=1e-3)


def test_a_worse_mean_is_found_and_the_samples_are_not_blamed() -> None:
    """Below 2 over the t = 0 mean, while the samples are exact: it is the mean that is wrong."""
    truth, samples, _ = draws("normal", 8, 3000)
    found = measure_consistency(truth, samples, torch.full_like(truth, 0.6)).measures
    assert found["error_over_own_mean"].verdict == "passed"
    assert found["error_over_mean"].verdict == "failed"
    value = found["error_over_mean"].value
    assert value is not None
    assert value.mean < 1.9


def test_what_cannot_be_measured_says_why() -> None:
    """Three samples cannot be halved; where nothing is uncertain there is nothing to cover."""
    truth, samples, _ = draws("normal", 3)
    found = measure_consistency(truth, samples, truth * 0.0).measures["variance"]
    assert (found.verdict, found.value) == ("not measured", None)
    assert "3 samples cannot be halved" in found.reason
    certain = torch.zeros(100, 2)
    report = measure_consistency(certain, certain.expand(8, 100, 2), certain)
    assert all(it.verdict == "not measured" for it in report.measures.values())
    assert "fewer than 20 pictures" in report.measures["coverage"].reason


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (torch.zeros(8, 5, 3), r"shapes \(8, 5, 3\) and \(5, 2\)"),
        (torch.zeros(1, 5, 2), r"K at least 2"),
        (torch.full((2, 5, 2), torch.nan), "10 of 10 samples are NaN"),
    ],
)
def test_samples_of_something_else_are_refused(samples: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure_consistency(torch.zeros(5, 2), samples, torch.zeros(5, 2))


def test_a_mean_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"The mean has the shape \(5, 1\), but the truth has \(5, 2\)"):
        error_over_mean(torch.zeros(5, 2), torch.zeros(2, 5, 2), torch.zeros(5, 1))
