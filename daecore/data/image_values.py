"""The numbers of an image file: which of them is white, what they are between 0 and 1, and what is lost by that.

Knows arrays. Does not know files or formats.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from daecore.data.value_range import TYPES, Extent, Kind, ValueRange
from daecore.data.value_scale import EIGHT_BITS, Scale, clipped_note, few_levels, scaled
from daecore.errors import NonFiniteError

LEADING = "of its 32-bit numbers the leading 24 bits are kept"
SIDEWAYS = (5, 6, 7, 8)  # notes of orientation by which rows become columns
LUMA = (19595, 38470, 7471)  # of 65536: red, green and blue in grey (ITU-R BT.601, as Pillow rounds them)


class Refused(Exception):
    """Why a file that may be sound is not read: the rest of a sentence that begins with its name."""


@dataclass(frozen=True)
class Stored:
    """What stands in a file.

    Attributes:
        values: ``(H, W, C)``, C = 1 or 3, in the file's own type, one of `WHITE`, upright.
        white: What 1 is; less than the type could hold where a file says so, as 4095 for 12 bits.
        alpha: float32 ``(H, W)`` in ``[0, 1]``, how opaque each pixel is; None where all are.
        profile: The ICC colour profile; empty without one.
        notes: What was left behind, a sentence each, without the file's name.
        dpi: Pixels in an inch along a row and a column; 0 where the file does not say it. Of a TIFF its description
            says it.
        exif: A camera's notes, without how the picture is to be turned; empty without any.
    """

    values: NDArray[Any]
    white: int
    alpha: NDArray[np.float32] | None = None
    profile: bytes = b""
    notes: tuple[str, ...] = ()
    dpi: tuple[float, float] = (0, 0)
    exif: bytes = b""

    @property
    def kind(self) -> Kind:
        """The type of its values."""
        return next(it for it in TYPES if it == str(self.values.dtype))


def extent_of(stored: Stored) -> Extent:
    """The lowest and highest of a picture's numbers.

    Raises:
        NonFiniteError: Some are NaN or infinite.
    """
    values = stored.values
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        count = int((~np.isfinite(values)).sum())
        raise NonFiniteError(f"has {count} value(s) that are NaN or infinite. Replace them, or take it out.")
    return Extent(stored.kind, stored.white, low, high)


def require_inside(extent: Extent) -> None:
    """Refuse numbers that are beyond what their type says that 0 and 1 are.

    Raises:
        Refused: Likewise.
    """
    if not extent.fits:
        raise Refused(
            f"has values from {extent.low:g} to {extent.high:g}, expected 0 to {extent.white:g}. Say which of them are "
            "0 and 1: the option range of a dataset, or `dae restore --range LOW,HIGH`."
        )


def as_pixels(stored: Stored, wanted: ValueRange | None = None) -> tuple[Tensor, Scale, list[str]]:
    """The pixels of a picture, how they were made, and what a user must know of them.

    Without a range it is the type's, never what the picture happens to reach: two pictures of one camera stay
    comparable. What lies beyond it is clipped; where a range applies nothing is.

    Args:
        stored: What stands in the file.
        wanted: What becomes 0 and 1, where it applies; see `ValueRange.applies_to`.

    Returns:
        uint8 ``(C, H, W)`` as they are for files of 8 bits; else float32 ``(C, H, W)``. And sentences.

    Raises:
        Refused: Values leave the range of their type.
        NonFiniteError: Values are NaN or infinite.
    """
    if stored.values.dtype == np.uint8 and (wanted is None or "uint8" not in wanted.kinds):
        return _tensor(stored.values), EIGHT_BITS, [*stored.notes]
    extent = extent_of(stored)
    scale = Scale.of(extent, wanted)
    by_type = wanted is None or not wanted.applies_to(extent)
    if by_type:
        require_inside(extent)
    values = scaled(stored.values, scale)
    if by_type:
        values = values.clip(0, 1)
    return _tensor(values), scale, [*stored.notes, *_notes(stored.values, values, extent, scale, clips=by_type)]


def as_numbers(stored: Stored, channels: int) -> tuple[Tensor, Extent, tuple[str, ...]]:
    """A picture's own numbers, as they are kept until a range says what they are.

    Args:
        stored: What stands in the file.
        channels: 1 (grey) or 3.

    Returns:
        ``(channels, H, W)``: uint8 and uint16 as they are, all others, and grey of uint16 in colour, as float32. What
        the file's numbers reach. And sentences.

    Raises:
        NonFiniteError: Values are NaN or infinite.
    """
    extent, values, notes = extent_of(stored), stored.values, stored.notes
    if values.dtype not in (np.uint8, np.uint16):
        values = values.astype(np.float32)
        if extent.is_whole and not np.array_equal(values.astype(np.float64), stored.values):
            notes = (*notes, LEADING)
    return with_channels(_tensor(values), channels), extent, notes


def with_channels(pixels: Tensor, channels: int) -> Tensor:
    """Grey or colour ``(channels, H, W)`` of ``(C, H, W)``, C = 1 or 3, in the same type."""
    if len(pixels) == channels:
        return pixels
    if channels != 1:
        return pixels.expand(channels, -1, -1)
    if pixels.dtype == torch.uint8:
        grey = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()).convert("L")
        return torch.from_numpy(np.array(grey))[None]
    return (pixels * (torch.tensor(LUMA)[:, None, None] / 2**16)).sum(0, keepdim=True)


def turn(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Values ``(H, W, ...)`` as a camera's note (EXIF and TIFF tag 274) says that they are looked at."""
    if orientation in SIDEWAYS:
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values[:, ::-1] if orientation in (2, 3, 6, 7) else values


def _tensor(values: NDArray[Any]) -> Tensor:
    """``(C, H, W)`` of ``(H, W, C)``."""
    return torch.from_numpy(np.ascontiguousarray(values)).permute(2, 0, 1)


def _notes(
    values: NDArray[Any], pixels: NDArray[np.float32], extent: Extent, scale: Scale, *, clips: bool
) -> list[str]:
    """What is lost of a deep picture, or nearly."""
    notes = []
    if clips and not (scale.low <= extent.low and extent.high <= scale.high):
        count = int(((values < scale.low) | (values > scale.high)).sum())
        notes.append(clipped_note(extent, scale, f"{count} value(s)"))
    if extent.is_whole and values.dtype.itemsize > 2 and not _is_exact(values, pixels, scale):
        notes.append(LEADING)
    few = few_levels(extent, scale)
    return [*notes, few] if few else notes


def _is_exact(values: NDArray[Any], pixels: NDArray[np.float32], scale: Scale) -> bool:
    inside = (values >= scale.low) & (values <= scale.high)
    again = np.rint(pixels.astype(np.float64) * (scale.high - scale.low) + scale.low)
    return bool((again == values)[inside].all())
