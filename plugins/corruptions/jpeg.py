"""JPEG: what is lost when a picture is compressed (ITU-T T.81), by Pillow's encoder."""

import io

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from torch import Generator, Tensor

from daecore import Corruption, Options, Strength, hookimpl
from daecore.data import as_uint8

from ..bibliography import cite

GREY, COLOUR = 1, 3


class Jpeg(Options):
    """The picture is written as JPEG and read again."""

    quality: int = Field(default=20, ge=1, le=100, description="the encoder's quality, from 1 (worst) to 100")


def jpeg(x: Tensor, options: Jpeg, *, generator: Generator) -> Tensor:
    """Write and read each picture, on the CPU; the generator is not used.

    Args:
        x: Images ``(B, C, H, W)`` with one channel or three; clipped to [0, 1] and rounded to 256 levels.
        options: The quality.
        generator: Unused: compression is not random.

    Returns:
        The decoded images ``(B, C, H, W)``.
    """
    levels = as_uint8(x).cpu().permute(0, 2, 3, 1).numpy()
    decoded = np.stack([_through_jpeg(picture, options.quality) for picture in levels])  # (B, H, W, C)
    return torch.from_numpy(decoded).permute(0, 3, 1, 2).to(x.device, x.dtype).div(255)


def _through_jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Write and read one picture ``(H, W, C)``."""
    written = io.BytesIO()
    Image.fromarray(picture.squeeze(2) if picture.shape[2] == GREY else picture).save(written, "JPEG", quality=quality)
    return np.asarray(Image.open(written)).reshape(picture.shape)


def jpeg_shape(shape: tuple[int, ...], options: Jpeg) -> tuple[int, ...]:
    """The shape stays.

    Raises:
        ValueError: JPEG has no pictures with so many channels.
    """
    if shape[0] not in (GREY, COLOUR):
        raise ValueError(f"JPEG holds pictures with 1 or 3 channels, got {shape[0]}")
    return shape


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `jpeg`."""
    return [
        Corruption(
            name="jpeg",
            options=Jpeg,
            function=jpeg,
            source=cite("itut81"),
            shapes="images",
            strength=Strength("quality", identity=None, low=90, high=5),  # lower quality, stronger corruption
            output_shape=jpeg_shape,
            host=True,
        )
    ]
