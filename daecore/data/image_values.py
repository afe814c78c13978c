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

from daecore.errors import NonFiniteError

WHITE = {  # what 1 is in a file of this type
    "uint8": 255, "uint16": 65535, "uint32": 2**32 - 1, "int16": 32767, "int32": 2**31 - 1,
    "float16": 1, "float32": 1, "float64": 1,
}  # fmt: skip
SLACK = 0.1  # of white, beyond 0 and 1: as far as bicubic and Lanczos resampling overshoot at an edge
GREY_LEVELS, FEW = 256, 64  # levels between 0 and 1 that an 8-bit picture has, and below which one is warned
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
    """

    values: NDArray[Any]
    white: int
    alpha: NDArray[np.float32] | None = None
    profile: bytes = b""
    notes: tuple[str, ...] = ()


def scale(stored: Stored) -> tuple[Tensor, tuple[str, ...]]:
    """The pixels, and what a user must know of them.

    The range is the type's, never what the picture happens to reach: two pictures of one camera stay comparable.

    Returns:
        uint8 ``(C, H, W)`` as they are for files of 8 bits; else float32 ``(C, H, W)`` in ``[0, 1]``. And notes.

    Raises:
        Refused: Values leave the range.
        NonFiniteError: Values are NaN or infinite.
    """
    values, white = stored.values, stored.white
    if values.dtype == np.uint8:
        return _tensor(values), stored.notes
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        count = int((~np.isfinite(values)).sum())
        raise NonFiniteError(f"has {count} value(s) that are NaN or infinite. Replace them, or take it out.")
    slack = SLACK * white if values.dtype.kind == "f" else 0
    if low < -slack or high > white + slack:
        raise Refused(f"has values from {low:g} to {high:g}, expected 0 to {white}. Rescale it.")
    wide = np.float32 if values.dtype.itemsize <= 2 or values.dtype.kind == "f" else np.float64
    pixels = np.divide(values, white, dtype=wide).astype(np.float32, copy=False).clip(0, 1)
    return _tensor(pixels), (*stored.notes, *_notes(values, pixels, white, low, high))


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
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values[:, ::-1] if orientation in (2, 3, 6, 7) else values


def _tensor(values: NDArray[Any]) -> Tensor:
    """``(C, H, W)`` of ``(H, W, C)``."""
    return torch.from_numpy(np.ascontiguousarray(values)).permute(2, 0, 1)


def _notes(values: NDArray[Any], pixels: NDArray[np.float32], white: int, low: float, high: float) -> list[str]:
    """What is lost of a deep picture, or nearly."""
    notes = []
    if low < 0 or high > white:
        count = int(((values < 0) | (values > white)).sum())
        notes.append(f"{count} value(s) lay beyond 0 to {white}, from {low:g} to {high:g}, and were clipped")
    whole = values.dtype.kind in "iu"
    if whole and values.dtype.itemsize > 2 and not np.array_equal(np.rint(pixels.astype(np.float64) * white), values):
        notes.append("of its 32-bit numbers the leading 24 bits are kept")
    used = GREY_LEVELS * (min(high, white) - max(low, 0) + whole) / (white + whole)
    if used < FEW:
        notes.append(
            f"its values lie from {low:g} to {high:g}, and 1 is {white:,}: that is {max(1, round(used))} of "
            f"{GREY_LEVELS} grey levels. All values are kept, but strengths and PSNR count in the full range; rescale "
            f"the files if white is less"
        )
    return notes
