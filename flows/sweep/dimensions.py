"""Dimensions of a space: values that are listed, or numbers between two ends.

Knows neither experiments nor how dimensions are written.
"""

import math
from dataclasses import dataclass
from typing import Any

from daecore.errors import InputError

MOST_STEPS = 10**9  # of a range, beyond which nobody counts


@dataclass(frozen=True)
class Choices:
    """A dimension of listed values, in the order in which they were given."""

    path: str
    values: tuple[Any, ...]

    @property
    def count(self) -> int:
        """How many values it has."""
        return len(self.values)

    @property
    def log(self) -> bool:
        """Never: a list has no scale."""
        return False

    def describe(self) -> Any:
        """The right side of its entry, fit for JSON."""
        return list(self.values)


@dataclass(frozen=True)
class Range:
    """A dimension of numbers between two ends, both included; whole numbers where all its numbers are whole."""

    path: str
    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step) if value is not None)

    @property
    def count(self) -> int:
        """How many values it has, where it has a step.

        Raises:
            InputError: It has none.
        """
        if self.step is None:
            raise InputError(
                f"A grid cannot step through the range {self.path}={self.describe()}: give it a step, list the values "
                f"as {self.path}=[{self.low}, {self.high}], or choose the method random or tpe."
            )
        return math.floor(min((self.high - self.low) / self.step * (1 + 1e-9), MOST_STEPS)) + 1

    @property
    def values(self) -> tuple[float, ...]:
        """Its values, where it has a step.

        Raises:
            InputError: It has none.
        """
        count, step = self.count, self.step or 0
        steps = (self.low + index * step for index in range(count))
        return tuple(int(value) if self.whole else float(f"{value:.12g}") for value in steps)

    def describe(self) -> Any:
        """The right side of its entry, fit for JSON."""
        found = {"low": self.low, "high": self.high, "step": self.step, "log": self.log}
        return {key: value for key, value in found.items() if value is not None and value is not False}


Dimension = Choices | Range
