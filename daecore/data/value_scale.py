"""Value scale: how the numbers of a file become values and numbers again, and what is told of that.

Knows arrays and value ranges. Does not know files or formats.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daecore.data.value_range import Extent, ValueRange

WHITE = {  # what 1 is in a file of this type
    "uint8": 255, "uint16": 65535, "uint32": 2**32 - 1, "int16": 32767, "int32": 2**31 - 1,
    "float16": 1, "float32": 1, "float64": 1,
}  # fmt: skip
GREY_LEVELS, FEW = 256, 64  # levels between 0 and 1 that an 8-bit picture has, and below which one is warned


@dataclass(frozen=True)
class Scale:
    """How the numbers of a file became values: `low` became 0 and `high` 1; written again they stay within bounds.

    Attributes:
        low: Became 0.
        high: Became 1.
        least: The lowest number that is written.
        most: The highest.
    """

    low: float = 0
    high: float = 255
    least: float = 0
    most: float = 255

    @classmethod
    def of(cls, extent: Extent, wanted: ValueRange | None) -> "Scale":
        """Of a picture whose numbers are to be taken in a range, or as its type says."""
        if wanted is None or not wanted.applies_to(extent):
            return cls(0, extent.white, 0, extent.white)
        if not extent.is_whole:
            return cls(wanted.low, wanted.high, -np.inf, np.inf)
        bounds = np.iinfo(extent.kind)
        return cls(wanted.low, wanted.high, bounds.min, bounds.max)


EIGHT_BITS = Scale()


def scaled(values: NDArray[Any], scale: Scale) -> NDArray[np.float32]:
    """Values of numbers: float32, 0 where they are `low` and 1 where they are `high`; nothing is clipped."""
    narrow = values.dtype.itemsize <= 2 or values.dtype == np.float32
    if scale.low == 0:
        found: NDArray[Any] = np.divide(values, scale.high, dtype=np.float32 if narrow else np.float64)
    else:
        found = np.subtract(values, scale.low, dtype=np.float64) / (scale.high - scale.low)
    return found.astype(np.float32, copy=False)


def unscaled(values: NDArray[np.float32], scale: Scale, kind: str) -> NDArray[Any]:
    """Numbers of values, in a type of the file's: whole ones rounded, and within the bounds."""
    wide = np.float32 if kind in ("uint8", "uint16", "float16", "float32") and scale.low == 0 else np.float64
    numbers: NDArray[Any] = np.multiply(values, scale.high - scale.low, dtype=wide)
    if scale.low:
        numbers += scale.low
    whole = not kind.startswith("float")
    return (np.rint(numbers) if whole else numbers).clip(scale.least, scale.most).astype(kind)


def clipped_note(extent: Extent, scale: Scale, some: str) -> str:
    """A sentence where some values of a picture reach beyond the range; else empty."""
    if extent.low >= scale.low and extent.high <= scale.high:
        return ""
    reached = f"from {extent.low:g} to {extent.high:g}"
    return f"{some} lay beyond {scale.low:g} to {scale.high:g}, {reached}, and were clipped"


def few_levels(extent: Extent, scale: Scale) -> str:
    """A sentence where a deep picture has next to no grey levels; else empty."""
    used = min(extent.high, scale.high) - max(extent.low, scale.low) + extent.is_whole
    levels = GREY_LEVELS * used / (scale.high - scale.low + extent.is_whole)
    if levels >= FEW:
        return ""
    return (
        f"its values lie from {extent.low:g} to {extent.high:g}, and 1 is {scale.high:,.7g}: that is "
        f"{max(1, round(levels))} of {GREY_LEVELS} grey levels. All values are kept, but strengths and PSNR count in "
        "the full range; say another one with the option range if white is less"
    )
