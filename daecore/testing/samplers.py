"""The sampler's licence: whether what a sampler draws are draws of the exact posterior, on problems where it is known.

In a sampler's own tests::

    from daecore.testing import check_sampler, sampling_problem

    problem = sampling_problem("block")
    sampler = my_sampler(problem.originals)
    assert [it for it in check_sampler(sampler, problem) if it.state == "failed"] == []

Each verdict is of a ratio whose ideal is known. It fails where the ratio is farther from its ideal than chance takes
it with a probability of `FALSE_ALARM` in all verdicts together (`daecore.stats.Ratio.tolerance`: Student's t over
pictures, widened for skewness), plus `MARGIN` of the ideal for steps that are not infinitely small. Realism is not
asked here: on a finite set copying is right. Knows samplers as functions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from daecore.data.samples import as_float
from daecore.errors import describe_error
from daecore.evaluation.consistency import (
    coverage,
    error_over_mean,
    error_over_own_mean,
    ideal_coverage,
    variance_by_decile,
)
from daecore.evaluation.sampling import COUNTS
from daecore.rng import stream
from daecore.stats.ratio import Ratio
from daecore.testing.contract import Finding, Violation
from daecore.testing.sampling_problem import Questions, Sampler, SamplingProblem, ask, sampling_problem

FALSE_ALARM = 1e-4  # probability that an exact sampler fails in any verdict of one licence
MARGIN = 0.02  # of the ideal: what steps of finite size may cost
PICTURES, DRAWS = 512, 8
TWICE = 4  # corrupted samples that are asked twice
DRAWS_WELL = "it draws finite samples of the right shape, and the same ones from the same generator"
SPREAD = "Look at the variance of the noise in each step, and for a factor of two in the likelihood."
OTHER = "Look whether the corrupted sample is the condition, and the likelihood the corruption's own."
SHARP = "Too probable: modes are left out, or the noise is taken for too small; too improbable: for too large."


@dataclass(frozen=True)
class Verdict:
    """A ratio beside its ideal.

    Attributes:
        fact: What is true of an exact sampler.
        ratio: What was measured.
        ideal: What it is for an exact sampler.
        mend: Where to look if it is something else.
    """

    fact: str
    ratio: Ratio
    ideal: float
    mend: str


def check_sampler(
    sampler: Sampler,
    problem: SamplingProblem | None = None,
    *,
    seed: int = 0,
    pictures: int = PICTURES,
    draws: int = DRAWS,
) -> tuple[Finding, ...]:
    """Hold a sampler against the exact posterior; nothing is raised, whatever it does.

    Args:
        sampler: What draws. What it was trained on is the problem's set of originals.
        problem: What it is asked; None takes the small one of a covered square.
        seed: Names the streams of the questions and of the sampler's generator.
        pictures: How many questions it is asked.
        draws: How many samples it draws for each, at least 2.

    Returns:
        A finding for each check, as of an extension's contract.
    """
    problem = problem or sampling_problem()
    asked = ask(problem, pictures, seed=seed)
    try:
        samples = _draw(sampler, asked, draws, seed)
    except Violation as violation:
        return (Finding(DRAWS_WELL, "failed", str(violation)),)
    except Exception as error:
        return (Finding(DRAWS_WELL, "failed", f"Expected samples; it raised {describe_error(error)}"),)
    verdicts = list(_verdicts(asked, samples, as_float(problem.originals)))
    said = f"{draws} samples of {pictures} corrupted ones"
    return Finding(DRAWS_WELL, "passed", said), *(_find(it, FALSE_ALARM / len(verdicts)) for it in verdicts)


def _draw(sampler: Sampler, asked: Questions, draws: int, seed: int) -> Tensor:
    """The samples, ``(draws, N, *shape)``, and a few of them twice.

    Raises:
        Violation: They have another shape, are not finite, or differ from one call to the next.
    """
    samples, few = sampler(asked.corrupted, draws, stream(seed, "sampler", "draws")), asked.corrupted[:TWICE]
    expected = (draws, *asked.truth.shape)
    if not isinstance(samples, Tensor) or tuple(samples.shape) != expected:
        came = tuple(samples.shape) if isinstance(samples, Tensor) else type(samples).__name__
        raise Violation(f"samples {expected}", f"{came} came", "Stack them with the draws first.")
    if not samples.isfinite().all():
        raise Violation("finite samples", "NaN or infinity came", "Look for a division by 1 - t at t = 1.")
    one, two = (sampler(few, 2, stream(seed, "sampler", "twice")) for _ in range(2))
    if not torch.equal(one, two):
        raise Violation(
            "the same samples from the same generator", "two calls differed", "Draw from the generator given."
        )
    return samples.float()


def _verdicts(asked: Questions, samples: Tensor, originals: Tensor) -> Iterator[Verdict]:
    """What is known of an exact sampler: of its errors, its spread, and of how probable what it draws is."""
    truth, exact = asked.truth, asked.std.square().flatten(1).mean(1)
    count = len(samples)
    yield Verdict("a sample has twice the error of its own mean", error_over_own_mean(truth, samples), 2.0, SPREAD)
    yield Verdict(
        "a sample has twice the error of the exact mean", error_over_mean(truth, samples, asked.mean), 2.0, OTHER
    )
    strayed = (samples.mean(0) - asked.mean).square().flatten(1).mean(1)
    yield Verdict(
        "the samples' mean is as near the exact mean as chance allows", Ratio(strayed, exact / count), 1.0, OTHER
    )
    yield Verdict(
        "the samples' variance is the exact one", Ratio(samples.var(0).flatten(1).mean(1), exact), 1.0, SPREAD
    )
    for it in variance_by_decile(truth, samples, asked.std):
        if it.share >= COUNTS and it.ratio.enough:
            fact = f"predicted variance is observed variance, decile {it.number}"
            yield Verdict(fact, it.ratio, 1.0, SPREAD)
    span = coverage(truth, samples, asked.std)
    if span.enough:
        yield Verdict(
            "the span of the samples holds the truth as often as it must", span, ideal_coverage(count), SPREAD
        )
    drawn = asked.weights.gather(1, _nearest(samples, originals).T).mean(1)  # (N,), from (N, K)
    probable = Ratio(drawn, asked.weights.square().sum(1))
    yield Verdict("what is drawn is as probable as what the exact posterior draws", probable, 1.0, SHARP)


def _find(verdict: Verdict, level: float) -> Finding:
    """Passed where the ratio is as near its ideal as chance and the margin allow."""
    ratio, ideal = verdict.ratio, verdict.ideal
    tolerance = ratio.tolerance(ideal, level) + MARGIN * ideal
    if abs(ratio.value - ideal) <= tolerance:
        return Finding(verdict.fact, "passed", f"{ratio.value:.3f}, within {tolerance:.3f} of {ideal:.3f}")
    violation = Violation(f"{ideal:.3f} within {tolerance:.3f}", f"it was {ratio.value:.3f}", verdict.mend)
    return Finding(verdict.fact, "failed", str(violation))


def _nearest(samples: Tensor, originals: Tensor) -> Tensor:
    """The place of the original nearest to each sample, ``(K, N)``."""
    flat, known = samples.flatten(0, 1).flatten(1), originals.flatten(1)
    return torch.addmm(known.square().sum(1), flat, known.T, alpha=-2).argmin(1).view(samples.shape[:2])
