"""One image file as uint8 pixels, whatever its depth: 1, 8, 16 or 32 bit, grey, palette or colour."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from daecore import DataError, NonFiniteError

DEEP = {"I;16": 65535, "I;16L": 65535, "I;16B": 65535, "I;16N": 65535, "I": 65535, "F": 1}  # mode -> white


def read_pixels(file: Path, colour: bool) -> Tensor:
    """Read an image as uint8 ``(3 if colour else 1, H, W)``.

    16-bit values are scaled by 255 / 65535 and rounded; floats are taken as ``[0, 1]``. Transparency is
    dropped, and a camera's note of its orientation is followed.

    Raises:
        DataError: The file cannot be read as an image, or its values leave the range of its type.
        NonFiniteError: It holds NaN or infinity.
    """
    try:
        with Image.open(file) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"The image {file} cannot be read: {error}. Repair it, or take it out of the folder.") from None
    if upright.mode in DEEP:
        pixels = torch.from_numpy(_eight_bit(np.array(upright, dtype=np.float64), DEEP[upright.mode], file))
        return pixels.expand(3 if colour else 1, -1, -1)
    pixels = torch.from_numpy(np.array(upright.convert("RGB" if colour else "L")))
    return pixels.permute(2, 0, 1) if colour else pixels[None]


def _eight_bit(values: np.ndarray, white: int, file: Path) -> np.ndarray:
    """Values ``(H, W)`` in ``[0, white]`` as uint8."""
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise NonFiniteError(
            f"The image {file} has {count} value(s) that are NaN or infinite. Replace them, or take it out."
        )
    if values.min() < 0 or values.max() > white:
        raise DataError(
            f"The image {file} has values from {values.min():g} to {values.max():g}, expected 0 to {white}. Rescale it."
        )
    return np.rint(values * (255 / white)).astype(np.uint8)
