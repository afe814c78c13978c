"""Finding: what a check of the doctor found, and what would set it right."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: What was looked at.
        good: Whether it is in order.
        said: What was found, in a sentence.
        mend: What sets it right, and says what it did; None where only the user can.
    """

    check: str
    good: bool
    said: str
    mend: Callable[[], str] | None = None
