"""The certificate of error bars: the exact denoiser of a finite set in a network's place, held against its posterior.

In tests of a method of one's own::

    from daecore.testing import check_moments

    assert [it for it in check_moments(my_moments) if it.state == "failed"] == []

So it is known what variance, what direction and what coverage are right. A trained network in its place is another
matter: then the same numbers also say how good the network is. Knows methods as functions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from daecore.analysis.likelihood import GaussianNoised
from daecore.analysis.posterior import Denoiser, exact_denoiser
from daecore.data.samples import Pairs, Samples, as_float, as_uint8
from daecore.errors import InputError, describe_error
from daecore.testing.contract import Finding, Violation
from daecore.testing.sampling_problem import Questions, SamplingProblem, ask, sampling_problem
from daecore.uncertainty.error_bars import ErrorBars, fit_error_bars
from daecore.uncertainty.estimator import DerivativeEstimator, Estimator
from daecore.uncertainty.report import measure_error_bars
from daecore.uncertainty.tweedie import Moments, posterior_moments

TOTAL, COSINE, GAP, VALUE = 0.1, 0.9, 1.5, 0.3
TYPICAL = 0.95  # of the samples must have the direction: one draw of probes may miss it
PICTURES, CALIBRATED, UNSEEN = 300, 600, 1200
LEVEL, COVERED = 0.9, 0.02
RETURNS = "it gives moments of the right shapes"

MomentsFunction = Callable[[Denoiser, Tensor, float], Moments]
"""``moments(denoiser, corrupted, sigma)``, as `daecore.uncertainty.posterior_moments`."""
FitFunction = Callable[[nn.Module, Estimator, Pairs, float], ErrorBars]
"""``fit(model, estimator, pairs, level)``, as `daecore.uncertainty.fit_error_bars`."""


def check_moments(
    moments: MomentsFunction = posterior_moments, problem: SamplingProblem | None = None, *, seed: int = 0
) -> tuple[Finding, ...]:
    """Hold variance, total variance and first direction against those of the exact posterior; nothing is raised.

    Args:
        moments: What is checked.
        problem: Under Gaussian noise alone; None takes smooth pictures of 8x8.
        seed: Names the streams of the questions.

    Raises:
        InputError: Something else happens to the samples of the problem.
    """
    problem, sigma = _under_noise(problem)
    asked = ask(problem, PICTURES, seed=seed)
    truth = _exact(asked, problem)
    try:
        found = moments(exact_denoiser(problem.originals, sigma), asked.corrupted, sigma)
        shapes = tuple(found.variance.shape), tuple(found.total.shape), tuple(found.directions[:, 0].shape)
        expected = tuple(asked.truth.shape), (len(asked.truth),), tuple(asked.truth.shape)
        if shapes != expected:
            raise Violation(f"shapes {expected}", f"{shapes} came", "Give one variance for each value.")
    except Violation as violation:
        return (Finding(RETURNS, "failed", str(violation)),)
    except Exception as error:
        return (Finding(RETURNS, "failed", f"Expected moments; it raised {describe_error(error)}"),)
    ratio = float(found.total.double().sum() / truth.total.sum())
    off = float((found.variance.double() - truth.variance).norm() / truth.variance.norm())
    cosine = (found.directions[:, 0].flatten(1).double() * truth.direction).sum(1).abs()[truth.clear]
    with_it = float((cosine >= COSINE).double().mean())
    return (
        Finding(RETURNS, "passed", f"{PICTURES} pictures"),
        _find("the total variance is right", abs(ratio - 1) <= TOTAL, f"{ratio:.3f} of the exact one",
              f"1 within {TOTAL}", "Look whether it is sigma^2 or sigma, and whether the probes see each value once."),
        _find("the variance of each value is right", off <= VALUE, f"off by {off:.0%}", f"at most {VALUE:.0%}",
              "Take more products, or probes that are farther apart."),
        _find(f"the first direction is right where the first eigenvalue is {GAP} times the second",
              with_it >= TYPICAL, f"|cos| is {COSINE} or more in {with_it:.1%} of {len(cosine)} pictures",
              f"{TYPICAL:.0%}", "Take more products, or iterate."),
    )  # fmt: skip


def check_coverage(
    fit: FitFunction = fit_error_bars, problem: SamplingProblem | None = None, *, seed: int = 0
) -> tuple[Finding, ...]:
    """Whether bounds hold what they promise on unseen pictures, the exact denoiser in a network's place.

    Args:
        fit: What calibrates.
        problem: Under Gaussian noise alone; None takes smooth pictures of 8x8.
        seed: Names the streams of the questions.

    Raises:
        InputError: Something else happens to the samples of the problem.
    """
    problem, sigma = _under_noise(problem)
    model = _Exact(exact_denoiser(problem.originals, sigma))
    known, unseen = (
        _pairs(ask(problem, count, seed=2 * seed + part)) for part, count in enumerate((CALIBRATED, UNSEEN))
    )
    bars = fit(model, DerivativeEstimator(sigma), known, LEVEL)
    share = measure_error_bars(model, bars, unseen).coverage
    if share is None:
        return (Finding("bounds hold what they promise", "not checked", "hardly any value is uncertain"),)
    right = abs(share.mean - LEVEL) <= COVERED
    return (
        _find("bounds hold what they promise", right, f"{share.mean:.1%} of uncertain values lie within",
              f"{LEVEL:.0%} within {COVERED:.0%}", "Look whether pictures of the calibration are seen again."),
    )  # fmt: skip


class _Exact(nn.Module):
    """The exact denoiser as a network."""

    def __init__(self, denoiser: Denoiser) -> None:
        super().__init__()
        self.denoiser = denoiser

    def forward(self, x: Tensor) -> Tensor:
        return self.denoiser(x)


@dataclass(frozen=True)
class _Truth:
    """Exact variances ``(N, d)``, their sums ``(N,)``, first directions ``(N, d)``, and where those are clear."""

    variance: Tensor
    total: Tensor
    direction: Tensor
    clear: Tensor


def _exact(asked: Questions, problem: SamplingProblem) -> _Truth:
    originals = as_float(problem.originals).flatten(1).double()
    values, directions = [], []
    for weights, mean in zip(asked.weights, asked.weights @ originals, strict=True):
        _, scale, rows = torch.linalg.svd((originals - mean) * weights.sqrt()[:, None], full_matrices=False)
        values.append(scale[:2].square())
        directions.append(rows[0])
    eigenvalues, variance = torch.stack(values), asked.std.double().square()
    clear = (eigenvalues[:, 0] >= GAP * eigenvalues[:, 1]) & (eigenvalues[:, 0] > 1e-3)
    return _Truth(variance, variance.flatten(1).sum(1), torch.stack(directions), clear)


def _under_noise(problem: SamplingProblem | None) -> tuple[SamplingProblem, float]:
    problem = problem or sampling_problem("noise")
    if not isinstance(problem.likelihood, GaussianNoised):
        raise InputError(
            f"The variance by products is for Gaussian noise alone, and {problem.name} is another problem."
        )
    return problem, problem.likelihood.sigma


def _pairs(asked: Questions) -> Pairs:
    return Pairs(Samples(as_uint8(asked.truth)), asked.corrupted)


def _find(check: str, right: bool, came: str, expected: str, mend: str) -> Finding:
    said = came if right else str(Violation(expected, f"it was {came}", mend))
    return Finding(check, "passed" if right else "failed", said)
