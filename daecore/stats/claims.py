"""Claims: how a mean and a difference are told in sentences and tables, and when a difference is not claimed.

Knows intervals. Does not know what was measured.
"""

from collections.abc import Mapping
from typing import TypeVar

from daecore.stats.intervals import Interval

Known = TypeVar("Known")
LEAST = 5  # of fewer seeds or draws the difference is told, and nothing is claimed


def format_interval(interval: Interval, form: str = ".2f") -> str:
    """As ``0.42 [0.31, 0.53]``."""
    return f"{interval.mean:{form}} [{interval.low:{form}}, {interval.high:{form}}]"


def is_claim(difference: Interval) -> bool:
    """Whether a difference is a claim: its interval leaves out zero, and there were at least `LEAST` values."""
    return difference.conclusive and difference.n >= LEAST


def doubt(difference: Interval) -> str:
    """What is said after a difference that is not claimed; nothing after one that is."""
    return "" if is_claim(difference) else f"; no difference is claimed: {reason(difference)}"


def reason(difference: Interval) -> str:
    """Why a difference that is no claim is none."""
    return f"{difference.n} values are too few" if difference.conclusive else "the interval contains zero"


def fewer_errors(gain: Interval) -> str:
    """As ``0.42 [0.31, 0.53] percentage points fewer errors``, or more errors; and the doubt.

    Args:
        gain: How many percentage points fewer there are; negative where there are more.
    """
    size, word = (gain, "fewer") if gain.mean >= 0 else (negate(gain), "more")
    return f"{format_interval(size)} percentage points {word} errors{doubt(gain)}"


def fewer_errors_than(gains: Mapping[str, Interval]) -> str:
    """As ``fewer errors 0.42 [0.31, 0.53] than scratch; more errors ...; no difference is claimed ...``.

    Args:
        gains: By what is compared with, how many percentage points fewer errors there are.
    """
    groups: dict[str, list[str]] = {"fewer errors": [], "more errors": [], "no difference is claimed:": []}
    for other, gain in gains.items():
        if not is_claim(gain):
            groups["no difference is claimed:"].append(f"{format_interval(gain)} fewer than {other} ({reason(gain)})")
        elif gain.mean > 0:
            groups["fewer errors"].append(f"{format_interval(gain)} than {other}")
        else:
            groups["more errors"].append(f"{format_interval(negate(gain))} than {other}")
    return "; ".join(f"{name} {', '.join(found)}" for name, found in groups.items() if found)


def format_gain_db(lead: Interval) -> str:
    """A lead in dB with its interval, as ``+0.42 dB [+0.31, +0.53]``; and the doubt."""
    return f"{lead.mean:+.2f} dB [{lead.low:+.2f}, {lead.high:+.2f}]{doubt(lead)}"


def in_db(number: Known | None) -> Known:
    """A number of a report that every report on images has.

    Raises:
        ValueError: It has none: this is no report on images.
    """
    if number is None:
        raise ValueError("this report has no number in dB, as it is not about images")
    return number


def negate(gain: Interval) -> Interval:
    """The same difference the other way round."""
    return Interval(mean=-gain.mean, low=-gain.high, high=-gain.low, n=gain.n)
