"""The size of a set at which a margin crosses zero, between sizes on a logarithmic scale.

Knows numbers alone. Does not know what the margin is.
"""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from daecore.stats import Interval, bootstrap_of_means


def find_crossing(margins: Tensor, sizes: Sequence[int], generator: Generator) -> Interval:
    """From which size on the mean margin is above zero, pictures drawn again together for all sizes.

    Between the last size at which it is not and the next one it is taken to be straight over the size's logarithm.
    The smallest size stands for that size or a smaller one; the largest for that size or a larger one.

    Args:
        margins: ``(N, K)``, one for each picture and size.
        sizes: K sizes, growing.
        generator: The random stream.
    """
    log_sizes = torch.tensor([math.log(size) for size in sizes], dtype=torch.float64)
    found = bootstrap_of_means(margins, lambda means: _cross(means, log_sizes), generator=generator)
    low, mean, high = (math.exp(value) for value in (found.low, found.mean, found.high))
    return Interval(mean=mean, low=low, high=high, n=found.n)


def _cross(means: Tensor, log_sizes: Tensor) -> Tensor:
    """Mean margins ``(..., K)`` to log_sizes ``(...)``."""
    count = len(log_sizes)
    after = torch.arange(1, count + 1) * (means <= 0)  # one past each size at which the margin is not above zero
    first = after.amax(-1).clamp(1, count - 1)  # the first size from which on all are above
    before, then = (means.gather(-1, (first - back)[..., None])[..., 0] for back in (1, 0))
    share = (before / (before - then).clamp_max(-1e-30)).clamp(0, 1)
    share = torch.where(means[..., -1] <= 0, 1.0, share)  # not above zero at the end: the largest size, or a larger one
    return torch.lerp(log_sizes[first - 1], log_sizes[first], share)
