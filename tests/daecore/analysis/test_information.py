"""The bound on mutual information and the code's sensitivity, against closed forms."""

import math

import pytest
import torch
from scipy import stats

from daecore.analysis.information import QUANTISATION, best_variance, bound_nats, information_bound, sensitivity


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_bound_is_the_expected_log_density_of_a_gaussian_decoder() -> None:
    """Averaged over samples, log N(x; g(z), s^2 I) at the best s is the formula, by scipy's density."""
    x, restored = (torch.rand(50, 6, generator=torch.Generator().manual_seed(it)).double() for it in (0, 1))
    mse = (x - restored).square().mean().item()
    density = stats.norm.logpdf(x.numpy(), restored.numpy(), math.sqrt(mse)).sum(1).mean()
    assert bound_nats(mse, 6) == pytest.approx(density, rel=1e-9)


def test_the_bound_is_tight_for_a_linear_gaussian_code() -> None:
    """Of x ~ N(0, a^2 I), z = x + N(0, b^2 I): with the best linear decoder the bound is I(x; z) - H(x) itself."""
    a, b, dimensions = 0.7, 0.4, 5
    posterior = a**2 * b**2 / (a**2 + b**2)  # the decoder's error, and the variance of x given z
    information = dimensions / 2 * math.log(1 + a**2 / b**2)
    entropy = dimensions / 2 * math.log(2 * math.pi * math.e * a**2)
    assert bound_nats(posterior, dimensions) == pytest.approx(information - entropy)
    x = a * torch.randn(4_000, dimensions, generator=generator())
    z = x + b * torch.randn(x.shape, generator=generator().manual_seed(1))
    errors = (x - a**2 / (a**2 + b**2) * z).square().mean(1)
    found = information_bound(errors, dimensions, generator=generator())
    assert found.nats.low < information - entropy < found.nats.high
    assert not found.at_floor


def test_no_variance_does_better_than_the_best() -> None:
    """The best variance is the error; twice or half of it gives less."""
    mse, values = 0.02, 10

    def at(variance: float) -> float:
        return -values / 2 * math.log(2 * math.pi * variance) - values * mse / (2 * variance)

    assert at(best_variance(mse)) == pytest.approx(bound_nats(mse, values))
    assert bound_nats(mse, values) > max(at(2 * mse), at(mse / 2))


def test_the_variance_does_not_go_below_that_of_rounding() -> None:
    """An encoder that copies its input is at the floor: -D/2 log(2 pi s^2) with s^2 = (1/255)^2 / 12, no infinity."""
    found = information_bound(torch.zeros(20), 784, generator=generator())
    assert found.at_floor
    assert found.variance == QUANTISATION == pytest.approx((1 / 255) ** 2 / 12)
    assert found.nats.mean == pytest.approx(-392 * math.log(2 * math.pi / (12 * 255**2)))
    steps = torch.rand(100_000, generator=generator()).double() * 255
    rounded = ((steps.round() - steps) / 255).square().mean().item()
    assert rounded == pytest.approx(QUANTISATION, rel=0.02)


def test_more_error_is_less_information() -> None:
    """The bound falls with the error throughout, so the interval's ends change places."""
    errors = [0.0, QUANTISATION / 2, QUANTISATION, 1e-4, 0.01, 0.3]
    bounds = [bound_nats(it, 784) for it in errors]
    assert bounds == sorted(bounds, reverse=True)
    found = information_bound(torch.rand(100, generator=generator()), 4, generator=generator())
    assert found.nats.low < found.nats.mean < found.nats.high


def test_sensitivity_is_the_ratio_of_squared_distances() -> None:
    """The code's movement by the mean squared distance over all pairs of codes, counted out."""
    clean = torch.randn(200, 3, generator=generator())
    moved = clean + 0.1 * torch.randn(clean.shape, generator=generator().manual_seed(1))
    apart = torch.cdist(clean, clean).square().mean().item()
    expected = (moved - clean).square().sum(1).mean().item() / apart
    found = sensitivity(clean, moved, generator=generator())
    assert found.mean == pytest.approx(expected, rel=1e-5)
    assert found.low < expected < found.high
    assert sensitivity(clean, clean, generator=generator()).mean == 0


def test_the_scale_of_a_code_does_not_matter_to_its_sensitivity() -> None:
    """A code multiplied by a number holds as still as before."""
    clean, moved = torch.randn(2, 50, 4, generator=generator())
    ratios = [sensitivity(c * clean, c * moved, generator=generator()).mean for c in (1, 1000)]
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-5)


def test_codes_that_are_all_the_same_have_no_sensitivity() -> None:
    """The message says what is missing."""
    with pytest.raises(ValueError, match="all codes are the same"):
        sensitivity(torch.ones(5, 2), torch.zeros(5, 2), generator=generator())
