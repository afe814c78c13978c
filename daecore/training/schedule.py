"""Schedule: the learning rate of a step, as a function of the share of the training that is done.

Knows numbers only: nothing is counted, so that resuming a training needs no state of it.
"""

import math
from typing import Literal

Schedule = Literal["one_cycle", "cosine", "constant"]


def rate(schedule: Schedule, peak: float, done: float) -> float:
    """The learning rate at one step.

    ``one_cycle``: a cosine up over the first 30 % from 1/25 of the peak, then a cosine down to 1e-5 of it.

    Args:
        schedule: Its shape.
        peak: The highest rate.
        done: The share of all steps before this one, from 0 to 1.

    Source: Smith and Topin, "Super-convergence", 2018 (one cycle).
    """
    if schedule == "constant":
        return peak
    if schedule == "cosine":
        return peak * (1 + math.cos(math.pi * done)) / 2
    start, end, rise = peak / 25, peak * 1e-5, 0.3
    if done < rise:
        return start + (peak - start) * (1 - math.cos(math.pi * done / rise)) / 2
    return end + (peak - end) * (1 + math.cos(math.pi * (done - rise) / (1 - rise))) / 2
