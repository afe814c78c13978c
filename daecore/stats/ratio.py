"""Ratio: the ratio of two means over pictures, with its interval and with what chance may make of it.

Knows two numbers of each picture. Does not know what they measure. Pixels of one picture depend on each other, so
a picture is the unit that is drawn again.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from daecore.stats.intervals import Interval, bootstrap_of_means

FEWEST = 20  # pictures that say something; the interval of fewer is a guess
STRAIGHT = 1e-6  # skewness over the root of N, below which the transformation changes nothing
TINY = 1e-30  # a resampled set of pictures of which none says anything has the ratio zero


@dataclass(frozen=True)
class Ratio:
    """The mean of one number over the mean of another.

    Attributes:
        above: ``(N,)``, one number for each picture.
        below: ``(N,)``, at least 0.
    """

    above: Tensor
    below: Tensor

    @property
    def enough(self) -> bool:
        """Whether at least `FEWEST` pictures say something: their second number is above zero."""
        return int((self.below > 0).sum()) >= FEWEST

    @property
    def value(self) -> float:
        """``mean(above) / mean(below)``.

        >>> Ratio(torch.tensor([1.0, 5.0]), torch.tensor([1.0, 2.0])).value
        2.0
        """
        return float(self.above.double().mean() / self.below.double().mean().clamp_min(TINY))

    def interval(self, generator: Generator) -> Interval:
        """The ratio with its 95 % interval, pictures drawn again (percentile bootstrap)."""
        columns = torch.stack([self.above, self.below], 1)  # (N, 2)
        return bootstrap_of_means(columns, _divide, generator=generator)

    def tolerance(self, ideal: float, level: float, like: "Ratio | None" = None) -> float:
        """How far from ``ideal`` chance takes the ratio with this probability, where the ideal is the truth.

        If the ratio of the expectations is ``ideal``, then ``d_n = above_n - ideal below_n`` has mean zero, and the
        ratio is off by ``mean(d) / mean(below)``. So the tolerance is ``q std(d) / sqrt(N)`` over ``mean(below)``.
        Here q is Student's quantile ``t(1 - level / 2, M - 1)`` for a scatter that M pictures show, widened for
        skewness to both sides alike.

        Args:
            ideal: The ratio of the expectations.
            level: The probability of a false alarm, both sides together.
            like: The same measure of what is right, on many pictures: it shows the scatter of d. Where most of the
                error lies in a few pictures, a set without them is both too small and too sure of it. None: the
                ratio's own pictures show it.

        Source: Fieller, "Some problems in interval estimation", J. R. Statist. Soc. B 16, 1954; Hall, "On the removal
        of skewness by transformation", J. R. Statist. Soc. B 54, 1992.
        """
        from scipy.special import stdtrit  # a fifth of a second, which whoever shows an experiment need not wait for

        shown, count = self if like is None else like, len(self.above)
        rest = shown.above.double() - ideal * shown.below.double()
        student = float(stdtrit(len(rest) - 1, 1 - level / 2))
        deviation = rest.std().item()
        skewness = float((rest - rest.mean()).pow(3).mean()) / max(deviation, TINY) ** 3
        spread = _widen(student, abs(skewness) / math.sqrt(count)) * deviation / math.sqrt(count)
        return spread / max(float(self.below.double().mean()), TINY)


def _widen(quantile: float, skewness: float) -> float:
    """The larger of the two quantiles that Hall's cubic transformation makes of ``-quantile`` and ``quantile``."""
    if skewness < STRAIGHT:
        return quantile
    inner = 1 - skewness * (quantile + skewness / 6)
    return 3 / skewness * (1 - math.copysign(abs(inner) ** (1 / 3), inner))


def _divide(means: Tensor) -> Tensor:
    """``(..., 2)`` to ``(...)``."""
    return means[..., 0] / means[..., 1].clamp_min(TINY)
