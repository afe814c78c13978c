"""Sampling verdicts: what is known of an exact sampler where the posterior is known, as ratios beside their ideals.

Knows questions and samples. Does not know how far from an ideal a ratio may be.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from daecore.evaluation.consistency import (
    coverage,
    error_over_mean,
    error_over_own_mean,
    ideal_coverage,
    variance_by_decile,
)
from daecore.stats.ratio import Ratio
from daecore.testing.sampling_problem import Questions

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
        share: The part of all squared error that it is about.
    """

    fact: str
    ratio: Ratio
    ideal: float
    mend: str
    share: float = 1.0


def verdicts(asked: Questions, samples: Tensor, originals: Tensor) -> Iterator[Verdict]:
    """What is known of an exact sampler: of its errors, its spread, and of how probable what it draws is.

    Args:
        asked: The questions, with their exact answers.
        samples: float32 ``(K, N, *shape)``, K >= 2.
        originals: float32 ``(M, *shape)``.
    """
    count, exact = len(samples), asked.std.square().flatten(1).mean(1)
    own, other = error_over_own_mean(asked.truth, samples), error_over_mean(asked.truth, samples, asked.mean)
    yield Verdict("a sample has twice the error of its own mean", own, 2.0, SPREAD)
    yield Verdict("a sample has twice the error of the exact mean", other, 2.0, OTHER)
    strayed = Ratio((samples.mean(0) - asked.mean).square().flatten(1).mean(1), exact / count)
    yield Verdict("the samples' mean is as near the exact mean as chance allows", strayed, 1.0, OTHER)
    wide = Ratio(samples.var(0).flatten(1).mean(1), exact)
    yield Verdict("the samples' variance is the exact one", wide, 1.0, SPREAD)
    for it in variance_by_decile(asked.truth, samples, asked.std):
        yield Verdict(f"predicted variance is observed variance, decile {it.number}", it.ratio, 1.0, SPREAD, it.share)
    span = coverage(asked.truth, samples, asked.std)
    yield Verdict("the span of the samples holds the truth as often as it must", span, ideal_coverage(count), SPREAD)
    drawn = asked.weights.gather(1, _nearest(samples, originals).T).mean(1)  # (N,), from (N, K)
    probable = Ratio(drawn, asked.weights.square().sum(1))
    yield Verdict("what is drawn is as probable as what the exact posterior draws", probable, 1.0, SHARP)


def _nearest(samples: Tensor, originals: Tensor) -> Tensor:
    """The place of the original nearest to each sample, ``(K, N)``."""
    flat, known = samples.flatten(0, 1).flatten(1), originals.flatten(1)
    return torch.addmm(known.square().sum(1), flat, known.T, alpha=-2).argmin(1).view(samples.shape[:2])
