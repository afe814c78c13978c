"""Picture: an image file as numbers in ``[0, 1]`` and back, in its own depth, with its transparency and profile.

Knows files' contents. Does not restore, and does not decide where a file goes.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from daecore.errors import DataError, InputError, NonFiniteError

FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip
DEEP = {"I;16": 65535, "I;16L": 65535, "I;16B": 65535, "I;16N": 65535, "I": 65535, "F": 1}  # mode -> white
GREY = {"1", "L", "LA", "La"}


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        pixels: float32 ``(C, H, W)`` in ``[0, 1]``, C = 1 (grey) or 3 (RGB), upright.
        alpha: uint8 ``(H, W)``, how opaque each pixel is; None where all are.
        white: What 1 is in the file: 255, 65535, or 1 for floating-point files.
        profile: The ICC colour profile; empty without one.
    """

    pixels: Tensor
    alpha: NDArray[np.uint8] | None = None
    white: int = 255
    profile: bytes = b""

    def with_pixels(self, pixels: Tensor) -> "Picture":
        """The same with other pixels ``(C, H', W')``; the transparency is enlarged to their size."""
        alpha, size = self.alpha, (pixels.shape[2], pixels.shape[1])
        if alpha is not None and alpha.shape[::-1] != size:
            alpha = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BICUBIC))
        return replace(self, pixels=pixels, alpha=alpha)


def read_picture(path: Path) -> Picture:
    """Read an image file: 1, 8, 16 or 32 bit, grey, palette or colour; a camera's note of orientation is followed.

    Raises:
        DataError: It cannot be read as one image, or its values leave the range of its type.
        NonFiniteError: It holds NaN or infinity.
    """
    try:
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1)
            image.load()
            upright = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"The image {path} cannot be read: {error}. Repair it, or take it out.") from None
    if frames > 1:
        raise DataError(f"The image {path} has {frames} pages, and one was expected. Save the pages as files.")
    profile = bytes(image.info.get("icc_profile") or b"")
    if upright.mode in DEEP:
        return Picture(_deep(upright, path), white=DEEP[upright.mode], profile=profile)
    plain = "L" if upright.mode in GREY else "RGB"
    if not upright.has_transparency_data:
        return Picture(_channels(upright.convert(plain)), profile=_kept(profile, upright.mode))
    layers = upright.convert("LA" if plain == "L" else "RGBA")
    return Picture(_channels(layers.convert(plain)), np.array(layers.getchannel("A")), profile=profile)


def encode_picture(picture: Picture, suffix: str) -> bytes:
    """The content of an image file.

    Args:
        picture: What to write; values beyond ``[0, 1]`` are clipped.
        suffix: The file's, which says the format: one of `FORMATS`.

    Raises:
        InputError: The format cannot hold this picture, as JPEG no transparency.
    """
    options: dict[str, Any] = {"icc_profile": picture.profile} if picture.profile else {}
    if FORMATS[suffix] == "JPEG":
        options |= {"quality": 95, "subsampling": 0}
    buffer = io.BytesIO()
    try:
        _image(picture).save(buffer, FORMATS[suffix], **options)
    except (OSError, ValueError) as error:
        raise InputError(f"A {suffix} file cannot hold this picture: {error}. Choose .png or .tif.") from None
    return buffer.getvalue()


def _image(picture: Picture) -> Image.Image:
    """As Pillow's image, in the picture's own depth."""
    values = picture.pixels.detach().cpu().clamp(0, 1).mul(picture.white).permute(1, 2, 0).numpy()  # (H, W, C)
    if picture.white != 255:
        deep = values.mean(2)
        return Image.fromarray(deep if picture.white == 1 else np.rint(deep).astype(np.uint16))
    layers = np.rint(values).astype(np.uint8)
    if picture.alpha is not None:
        layers = np.dstack([layers, picture.alpha])
    return Image.fromarray(layers[..., 0] if layers.shape[2] == 1 else layers)


def _channels(image: Image.Image) -> Tensor:
    """float32 ``(C, H, W)`` of an 8-bit image."""
    values = torch.from_numpy(np.atleast_3d(np.array(image)))
    return values.permute(2, 0, 1).to(torch.float32).div(255)


def _deep(image: Image.Image, path: Path) -> Tensor:
    """float32 ``(1, H, W)`` of an image with more than 8 bits."""
    values, white = np.array(image, dtype=np.float64), DEEP[image.mode]
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise NonFiniteError(f"The image {path} has {count} value(s) that are NaN or infinite. Replace them.")
    if values.min() < 0 or values.max() > white:
        raise DataError(
            f"The image {path} has values from {values.min():g} to {values.max():g}, expected 0 to {white}. Rescale it."
        )
    return torch.from_numpy(values / white).to(torch.float32)[None]


def _kept(profile: bytes, mode: str) -> bytes:
    """The profile, unless it describes other channels than we write."""
    return b"" if mode in ("CMYK", "YCbCr", "LAB", "HSV") else profile
