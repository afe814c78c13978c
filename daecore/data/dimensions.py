"""Dimensions: along which a file holds several pictures, and which of them are chosen, by name or number.

Knows names and numbers. Does not know formats.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

from daecore.data.image_values import Refused

Choice = Mapping[str, int | str]
"""What is taken of a dimension, by its name: a number from 0, or what the file calls it."""
EVERYTHING: Choice = MappingProxyType({})
"""All pictures."""

NAMES = {"T": "time", "Z": "depth", "C": "channel"}  # by the letters of axes
PAGE = "page"  # of what a file does not name
AXES = {**{name: letter for letter, name in NAMES.items()}, PAGE: "Q"}


@dataclass(frozen=True)
class Dimension:
    """A dimension along which a file holds several pictures.

    Attributes:
        name: ``time``, ``depth``, ``channel`` or ``page``.
        size: How many there are.
        labels: What the file calls each; empty where it does not.
    """

    name: str
    size: int
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        called = f" ({', '.join(self.labels[:FEW])}{', ...' if self.size > FEW else ''})" if self.labels else ""
        return f"{self.name} {self.size}{called}"

    def find(self, wanted: int | str) -> int:
        """The number of what is wanted.

        Raises:
            Refused: There is no such one.
        """
        if isinstance(wanted, int) and 0 <= wanted < self.size:
            return wanted
        if wanted in self.labels:
            return self.labels.index(str(wanted))
        there = f"0 to {self.size - 1}" + (f", or {', '.join(self.labels[:FEW])}" if self.labels else "")
        raise Refused(f"has no {self.name} {wanted!r}; there are {there}.")


FEW = 8  # labels that a message names


def choose(dimensions: tuple[Dimension, ...], choice: Choice) -> tuple[list[int], tuple[Dimension, ...]]:
    """Which pictures are taken, by their number in the file, and the dimensions that remain.

    What a file does not have is not chosen in it: a folder may hold stacks and single pictures.

    Raises:
        Refused: A dimension has no such one.
    """
    taken = [range(it.size) if it.name not in choice else [it.find(choice[it.name])] for it in dimensions]
    sizes = [it.size for it in dimensions]
    strides = [math.prod(sizes[n + 1 :]) for n in range(len(sizes))]
    numbers = [sum(at * stride for at, stride in zip(place, strides, strict=True)) for place in product(*taken)]
    return numbers, tuple(it for it in dimensions if it.name not in choice)


def named(axes: str, sizes: tuple[int, ...], labels: Mapping[str, tuple[str, ...]]) -> Iterator[Dimension]:
    """Dimensions of axes; neighbours that nobody names are one.

    Args:
        axes: A letter each, as ``TZC``.
        sizes: Likewise.
        labels: What the file calls those of an axis.
    """
    unnamed = 1
    for number, (letter, size) in enumerate(zip(axes, sizes, strict=True)):
        if letter not in NAMES:
            unnamed *= size
        if unnamed > 1 and (letter in NAMES or number == len(axes) - 1):
            yield Dimension(PAGE, unnamed)
            unnamed = 1
        if letter in NAMES and size > 1:
            called = labels.get(letter, ())
            yield Dimension(NAMES[letter], size, called if len(called) == size else ())
