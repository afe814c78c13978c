"""The certificate of error bars: the method passes with the exact denoiser, and a broken one is found."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from daecore.analysis.posterior import Denoiser
from daecore.errors import InputError
from daecore.testing.error_bars import check_coverage, check_moments
from daecore.testing.sampling_problem import sampling_problem
from daecore.uncertainty.error_bars import ErrorBars, fit_error_bars
from daecore.uncertainty.tweedie import Moments, posterior_moments


def failed(findings: tuple) -> list[str]:
    return [it.check for it in findings if it.state == "failed"]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_method_passes_with_the_exact_denoiser(seed: int) -> None:
    """Total within a tenth, the first direction where it is clear, the coverage that was promised."""
    findings = (*check_moments(seed=seed), *check_coverage(seed=seed))
    assert [f"{it.check}: {it.said}" for it in findings if it.state != "passed"] == []
    assert len(findings) == 5


def _sigma_for_its_square(denoiser: Denoiser, x: Tensor, sigma: float) -> Moments:
    return posterior_moments(denoiser, x, sigma**0.5)


def _another_direction(denoiser: Denoiser, x: Tensor, sigma: float) -> Moments:
    found = posterior_moments(denoiser, x, sigma)
    return replace(found, directions=found.directions.flip(-1))


def _one_variance_for_all(denoiser: Denoiser, x: Tensor, sigma: float) -> Moments:
    found = posterior_moments(denoiser, x, sigma)
    return replace(found, variance=found.variance.mean((1, 2, 3), keepdim=True).expand_as(found.variance))


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (_sigma_for_its_square, "the total variance is right"),
        (_another_direction, "the first direction is right where the first eigenvalue is 1.5 times the second"),
        (_one_variance_for_all, "the variance of each value is right"),
    ],
)
def test_a_broken_method_is_found(broken: Callable[[Denoiser, Tensor, float], Moments], check: str) -> None:
    """By the very check that is about it, with what to look at."""
    assert check in failed(check_moments(broken))


def test_what_raises_or_has_other_shapes_is_found() -> None:
    def no_moments(denoiser: Denoiser, x: Tensor, sigma: float) -> Moments:
        raise ValueError("no")

    def flat(denoiser: Denoiser, x: Tensor, sigma: float) -> Moments:
        found = posterior_moments(denoiser, x, sigma)
        return replace(found, variance=found.variance.flatten(1))

    assert "it raised ValueError: no" in check_moments(no_moments)[0].said
    assert "Give one variance for each value" in check_moments(flat)[0].said


def test_bounds_that_were_never_calibrated_are_found() -> None:
    """Two standard deviations cover too much where the truth is one of a few pictures."""

    def two_deviations(*arguments: object) -> ErrorBars:
        bars = fit_error_bars(*arguments)  # type: ignore[arg-type]
        fixed = replace(bars.thresholds, threshold=torch.full_like(bars.thresholds.threshold, 2.0))
        return replace(bars, thresholds=fixed)

    assert failed(check_coverage(two_deviations)) == ["bounds hold what they promise"]


def test_another_corruption_is_refused() -> None:
    with pytest.raises(InputError, match="is for Gaussian noise alone, and block is another problem"):
        check_moments(problem=sampling_problem("block"))
