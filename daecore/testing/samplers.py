"""The sampler's licence: whether what a sampler draws are draws of the exact posterior, on problems where it is known.

In a sampler's own tests::

    from daecore.testing import check_sampler, sampling_problem

    problem = sampling_problem("block")
    sampler = my_sampler(problem.originals)
    assert [it for it in check_sampler(sampler, problem) if it.state == "failed"] == []

Each verdict is of a ratio whose ideal is known. It fails where the ratio is farther from its ideal than chance takes
an exact sampler with a probability of `FALSE_ALARM` in all verdicts together, plus `MARGIN` of the ideal for steps
that are not infinitely small. How far chance goes is seen on many more questions of the same problem, answered
exactly (`daecore.stats.Ratio.tolerance`). Realism is not asked here: on a finite set copying is right. Knows samplers
as functions.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from daecore.data.samples import as_float
from daecore.errors import describe_error
from daecore.evaluation.sampling import COUNTS
from daecore.rng import stream
from daecore.stats.ratio import Ratio
from daecore.testing.contract import Finding, Violation
from daecore.testing.sampling_problem import (
    Questions,
    SamplerFunction,
    SamplingProblem,
    ask,
    draw_exact,
    sampling_problem,
)
from daecore.testing.sampling_verdicts import Verdict, verdicts

FALSE_ALARM = 1e-4  # probability that an exact sampler fails in any verdict of one licence
MARGIN = 0.02  # of the ideal: what steps of finite size may cost
PICTURES, DRAWS = 512, 8
REFERENCE = 8192  # questions that are answered exactly
TWICE = 4  # corrupted samples that are asked twice
DRAWS_WELL = "it draws finite samples of the right shape, and the same ones from the same generator"


@dataclass(frozen=True)
class Licence:
    """What a sampler has to show, on one problem; how far chance takes an exact one is computed once.

    Attributes:
        problem: What samplers are asked. What they were trained on is its set of originals.
        pictures: How many questions they are asked.
        draws: How many samples they draw for each, at least 2.
    """

    problem: SamplingProblem
    pictures: int = PICTURES
    draws: int = DRAWS

    @cached_property
    def exact(self) -> tuple[Verdict, ...]:
        """Exact answers to many more questions: they show how far chance goes."""
        asked, generator = ask(self.problem, REFERENCE, seed=-1), stream(-1, "sampler", "draws")  # no check's seed
        samples = draw_exact(self.problem, asked.weights, self.draws, generator)
        return tuple(verdicts(asked, samples, as_float(self.problem.originals)))

    def check(self, sampler: SamplerFunction, *, seed: int = 0) -> tuple[Finding, ...]:
        """Hold a sampler against the exact posterior; nothing is raised, whatever it does.

        Args:
            sampler: What draws.
            seed: Names the streams of the questions and of the sampler's generator, from 0.

        Returns:
            A finding for each check, as of an extension's contract.
        """
        asked = ask(self.problem, self.pictures, seed=seed)
        try:
            samples = _draw(sampler, asked, self.draws, seed)
        except Violation as violation:
            return (Finding(DRAWS_WELL, "failed", str(violation)),)
        except Exception as error:
            return (Finding(DRAWS_WELL, "failed", f"Expected samples; it raised {describe_error(error)}"),)
        pairs = zip(verdicts(asked, samples, as_float(self.problem.originals)), self.exact, strict=True)
        counted = [(it, like.ratio) for it, like in pairs if like.share >= COUNTS and like.ratio.enough]
        found = [_find(it, like, FALSE_ALARM / len(counted)) for it, like in counted]
        return Finding(DRAWS_WELL, "passed", f"{self.draws} samples of {self.pictures} corrupted ones"), *found


def check_sampler(
    sampler: SamplerFunction, problem: SamplingProblem | None = None, *, seed: int = 0, pictures: int = PICTURES
) -> tuple[Finding, ...]:
    """Hold a sampler against the exact posterior once; see `Licence.check`.

    Args:
        sampler: What draws. What it was trained on is the problem's set of originals.
        problem: What it is asked; None takes the small one of a covered square.
        seed: Names the streams of the questions and of the sampler's generator, from 0.
        pictures: How many questions it is asked.
    """
    return Licence(problem or sampling_problem(), pictures).check(sampler, seed=seed)


def _draw(sampler: SamplerFunction, asked: Questions, draws: int, seed: int) -> Tensor:
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


def _find(verdict: Verdict, exact: Ratio, level: float) -> Finding:
    """Passed where the ratio is as near its ideal as chance and the margin allow."""
    ratio, ideal = verdict.ratio, verdict.ideal
    tolerance = ratio.tolerance(ideal, level, exact) + MARGIN * ideal
    if abs(ratio.value - ideal) <= tolerance:
        return Finding(verdict.fact, "passed", f"{ratio.value:.3f}, within {tolerance:.3f} of {ideal:.3f}")
    violation = Violation(f"{ideal:.3f} within {tolerance:.3f}", f"it was {ratio.value:.3f}", verdict.mend)
    return Finding(verdict.fact, "failed", str(violation))
