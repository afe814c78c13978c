"""Value range: which of a file's numbers is 0 and which is 1; found from what files hold, or as a user says it.

Knows numbers. Does not know files or formats.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from daecore.errors import InputError
from daecore.record import Record

Kind = Literal["uint8", "uint16", "uint32", "int16", "int32", "float16", "float32", "float64"]
"""A type of numbers in files."""
TYPES: tuple[Kind, ...] = get_args(Kind)

SLACK = 0.1  # of white, beyond 0 and 1: as far as bicubic and Lanczos resampling overshoot at an edge
DEPTHS = (8, 10, 12, 14, 16, 24, 32)  # bits that cameras and converters have


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if not -float("inf") < low < high < float("inf"):
        raise ValueError(f"the first number, which becomes 0, lies below the second, which becomes 1; got {bounds}")
    return bounds


RangeOption = Literal["auto", "dtype"] | Annotated[tuple[float, float], AfterValidator(_ascending)]
"""What a user says: as the files hold it, as their type says it, or the numbers that become 0 and 1."""


@dataclass(frozen=True)
class Extent:
    """What the numbers of one picture are.

    Attributes:
        kind: Their type in the file, such as ``uint16``.
        white: What the file says that 1 is: what its type holds, or less where it says so; 1 for floats.
        low: The lowest of them.
        high: The highest.
    """

    kind: Kind
    white: float
    low: float
    high: float

    @property
    def is_whole(self) -> bool:
        """Whether they are whole numbers."""
        return not self.kind.startswith("float")

    @property
    def fits(self) -> bool:
        """Whether they lie between 0 and white, floats nearly."""
        slack = 0.0 if self.is_whole else SLACK * self.white
        return -slack <= self.low and self.high <= self.white + slack


class ValueRange(Record):
    """The numbers that become 0 and 1.

    Attributes:
        low: Becomes 0.
        high: Becomes 1.
        kinds: The types of the files it was found for.
    """

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    kinds: tuple[Kind, ...] = Field(default=(), max_length=len(TYPES))

    @model_validator(mode="after")
    def _ascends(self) -> "ValueRange":
        _ascending((self.low, self.high))
        return self

    def __str__(self) -> str:
        return f"{self.low:,.7g} to {self.high:,.7g}"

    def applies_to(self, extent: Extent) -> bool:
        """Whether a picture's numbers are to be taken in it, and not as their type says.

        Files of the types it was found for always. Of others those that count: 8 bits are a picture's own grey levels,
        and so are floats between 0 and 1.
        """
        if extent.kind in self.kinds:
            return True
        return extent.kind != "uint8" and (extent.is_whole or not extent.fits)


def find_range(asked: RangeOption, extents: Iterable[Extent]) -> ValueRange | None:
    """What becomes 0 and 1; None where each file's own type says it.

    `auto` follows the files. 8 bits are 0 to 255, and floats between 0 and 1 stay. Whole numbers go to the white of the
    smallest depth that holds them all, as 4,095 for a camera of 12 bits; beside files of 8 bits to that of their type.
    Other floats, and numbers below 0, go from the lowest (or 0, if that is lower) to the highest.

    Args:
        asked: What the user says.
        extents: Of the files that a network learns from.

    Raises:
        InputError: Files of several types would get several ranges, or all numbers are the same.
    """
    if asked == "dtype":
        return None
    held = _together(extents)
    if asked != "auto":
        return ValueRange(low=asked[0], high=asked[1], kinds=tuple(sorted(held)))
    beside = "uint8" in held  # their pictures are to be comparable
    found = {kind: _range_of(it, beside_8_bits=beside) for kind, it in held.items() if kind != "uint8"}
    ranges = {None if it is None else (it.low, it.high) for it in found.values()}
    if len(ranges) > 1:
        kinds = "; ".join(f"{kind} from {held[kind].low:g} to {held[kind].high:g}" for kind in sorted(found))
        raise InputError(
            f"The files have numbers of several types and ranges: {kinds}. Which of them are 0 and 1? Set the option "
            "range to [low, high], or to dtype: what their types hold."
        )
    one = next(iter(found.values()), None)
    return None if one is None else ValueRange(low=one.low, high=one.high, kinds=tuple(sorted(found)))


def _together(extents: Iterable[Extent]) -> dict[Kind, Extent]:
    """One extent for each type."""
    held: dict[Kind, Extent] = {}
    for it in extents:
        other = held.get(it.kind, it)
        held[it.kind] = Extent(it.kind, max(it.white, other.white), min(it.low, other.low), max(it.high, other.high))
    return held


def _range_of(extent: Extent, *, beside_8_bits: bool) -> ValueRange | None:
    """What `auto` is for one type."""
    if extent.is_whole and extent.low >= 0:
        if beside_8_bits:
            return None
        white = next((2.0**bits - 1 for bits in DEPTHS if 2**bits - 1 >= extent.high), extent.white)
        return None if white >= extent.white else ValueRange(low=0, high=white)
    if not extent.is_whole and extent.fits:
        return None
    low = min(0.0, extent.low)
    if low >= extent.high:
        raise InputError(
            f"All numbers of the files of the type {extent.kind} are {extent.low:g}, so that nothing tells which of "
            "them are 0 and 1. Set the option range to [low, high]."
        )
    return ValueRange(low=low, high=extent.high)
