"""Claims: how a mean and a difference are told in sentences and tables, and when a difference is not claimed.

Knows intervals. Does not know what was measured.
"""

from daecore.intervals import Interval

LEAST = 5  # of fewer seeds or draws the difference is told, and nothing is claimed


def told(interval: Interval, form: str = ".2f") -> str:
    """As ``0.42 [0.31, 0.53]``."""
    return f"{interval.mean:{form}} [{interval.low:{form}}, {interval.high:{form}}]"


def claimed(difference: Interval) -> bool:
    """Whether a difference is a claim: its interval leaves out zero, and there were at least `LEAST` values."""
    return difference.conclusive and difference.n >= LEAST


def doubt(difference: Interval) -> str:
    """What is said after a difference that is not claimed; nothing after one that is."""
    if claimed(difference):
        return ""
    why = f"{difference.n} values are too few" if difference.conclusive else "the interval contains zero"
    return f"; no difference is claimed: {why}"


def fewer_errors(gain: Interval) -> str:
    """As ``0.42 [0.31, 0.53] percentage points fewer errors``, or more errors; and the doubt.

    Args:
        gain: How many percentage points fewer there are; negative where there are more.
    """
    more = Interval(mean=-gain.mean, low=-gain.high, high=-gain.low, n=gain.n)
    said = f"{told(gain)} percentage points fewer" if gain.mean >= 0 else f"{told(more)} percentage points more"
    return f"{said} errors{doubt(gain)}"
