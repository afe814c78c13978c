"""The median with its interval: of values whose few worst would rule their mean.

Knows numbers only. The interval is made of two of the values themselves, and asks nothing of their distribution.
"""

import torch

from daecore.errors import InputError
from daecore.stats.intervals import Interval, Values

TAIL = 40  # one part in so many may lie beyond either end: a 95 % interval


def median(values: Values) -> Interval:
    """The median, between two order statistics.

    Each value lies below the median with probability 1/2, so that the number of those that do is binomial: from the
    r-th smallest to the r-th largest value lies the median with probability ``1 - 2 P(B < r)``, and r is the largest
    whole number for which that is at least 95 %.

    Args:
        values: ``(N,)``, N >= 6.

    Returns:
        The median as ``mean``, with its interval.

    Raises:
        InputError: There are fewer than six values: smallest and largest then hold the median less often.

    Source: David and Nagaraja, "Order Statistics", third edition, 2003, section 7.1.

    >>> str(median([1.0, 2.0, 3.0, 4.0, 5.0, 60.0]))
    '3.5 [1, 60], n = 6'
    """
    sample = torch.as_tensor(values, dtype=torch.float64, device="cpu").flatten().sort().values
    rank = _rank(len(sample))
    if rank == 0:
        raise InputError(f"An interval of a median needs at least 6 values and got {len(sample)}. Measure more images.")
    low, high = sample[rank - 1].item(), sample[-rank].item()
    return Interval(mean=sample.quantile(0.5).item(), low=low, high=high, n=len(sample))


def _rank(count: int) -> int:
    """The largest r with ``P(B < r) <= 1/40``, B binomial of ``count`` fair coins, in whole numbers; 0: none."""
    rank, below, ways = 0, 0, 1  # ways: how many of the 2^count outcomes have exactly ``rank`` heads
    while TAIL * (below + ways) <= 2**count:
        below, rank = below + ways, rank + 1
        ways = ways * (count - rank + 1) // rank
    return rank
