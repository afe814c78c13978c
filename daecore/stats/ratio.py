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

    def tolerance(self, ideal: float, level: float) -> float:
        """How far from ``ideal`` chance takes the ratio with this probability, where the ideal is the truth.

        If the ratio of the expectations is ``ideal``, then ``d_n = above_n - ideal below_n`` has mean zero, and the
        ratio is off by ``mean(d) / mean(below)``. So the tolerance is ``t(1 - level / 2, N - 1) std(d) / sqrt(N)``
        over ``mean(below)``: Student's t of a mean, without the bias that a ratio's own interval has.

        Args:
            ideal: The ratio of the expectations.
            level: The probability of a false alarm, both sides together.

        Source: Fieller, "Some problems in interval estimation", J. R. Statist. Soc. B 16, 1954.
        """
        from scipy.special import stdtrit  # a fifth of a second

        rest, count = self.above.double() - ideal * self.below.double(), len(self.above)
        quantile = float(stdtrit(count - 1, 1 - level / 2))
        spread = quantile * rest.std().item() / math.sqrt(count)
        return spread / max(float(self.below.double().mean()), TINY)


def _divide(means: Tensor) -> Tensor:
    """``(..., 2)`` to ``(...)``."""
    return means[..., 0] / means[..., 1].clamp_min(TINY)
