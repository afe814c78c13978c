"""Image files: read as numbers between 0 and 1, in their own depth, with transparency and profile.

The one reader for datasets, for restoring and for what comes in. A file's content says what it is, never its name.
Does not restore; `daecore.data.image_encoding` makes a file of a picture again.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from daecore.data.cut_off import WholeFile
from daecore.data.image_values import WHITE, Refused, Scale, Stored, as_numbers, as_pixels, with_channels
from daecore.data.plain_png import MAGIC as PNG
from daecore.data.plain_png import decode_plain_png
from daecore.data.raster import decode_raster
from daecore.data.tiff import MAGIC, decode_tiff
from daecore.data.value_range import Extent, ValueRange
from daecore.errors import DaecoreError, DataError, NonFiniteError, in_a_line

BEGINNING = 16  # bytes by which a format is known
SUFFIXES = {  # what a folder is searched for, and the format each is written in; empty: it is read only
    ".png": "PNG", ".apng": "", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "JPEG",
    ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".webp": "WEBP", ".gif": "", ".ppm": "PPM", ".pgm": "PPM",
    ".pnm": "PPM", ".pbm": "", ".pfm": "",
}  # fmt: skip


@dataclass(frozen=True)
class ImageFile:
    """A picture as it was read.

    Attributes:
        pixels: ``(C, H, W)``, C = 1 (grey) or 3 (RGB), upright: uint8 of files with 8 bits, else float32, which lies
            in ``[0, 1]`` where no range was named; `daecore.data.samples.as_float` makes floats of both.
        alpha: float32 ``(H, W)`` in ``[0, 1]``, how opaque each pixel is; None where all are.
        kind: The type of the numbers in the file, such as ``uint16``, in which it is written again.
        profile: The ICC colour profile; empty without one.
        notes: What a user must know of it, a sentence each, without its name: what was clipped, what was lost.
        scale: Which of the file's numbers are 0 and 1; they are counted so again when it is written. None: as their
            type says.
    """

    pixels: Tensor
    alpha: NDArray[np.float32] | None = None
    kind: str = "uint8"
    profile: bytes = b""
    notes: tuple[str, ...] = ()
    scale: Scale | None = None

    @property
    def counted(self) -> Scale:
        """How its values become numbers of its type."""
        return self.scale or Scale(0, WHITE[self.kind], 0, WHITE[self.kind])

    def with_difference(self, pixels: Tensor) -> "ImageFile":
        """The same with how far values lie apart, ``(C, H', W')``: nothing apart is written as 0."""
        scale = self.counted
        return replace(self.with_pixels(pixels), scale=replace(scale, low=0, high=scale.high - scale.low))

    def with_pixels(self, pixels: Tensor) -> "ImageFile":
        """The same with other pixels ``(C, H', W')``; the transparency is enlarged to their size."""
        alpha, size = self.alpha, (pixels.shape[2], pixels.shape[1])
        if alpha is not None and alpha.shape[::-1] != size:
            alpha = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BICUBIC)).clip(0, 1)
        return replace(self, pixels=pixels, alpha=alpha)


def read_image(path: Path | str, channels: int = 0, value_range: ValueRange | None = None) -> ImageFile:
    """Read a picture of any depth; a camera's note of orientation is followed.

    Whole numbers are divided by what their type can hold, 255 or 65,535; floats are taken as they are, and clipped
    where resampling took them beyond 0 or 1 by a tenth at most. A range says otherwise, and then nothing is clipped.

    Args:
        path: A PNG, JPEG, TIFF, BMP, GIF, WebP file or a portable pixmap, whatever its name says.
        channels: 1 or 3: read it grey or in colour, without transparency; 0: as the file is.
        value_range: The numbers that become 0 and 1, where it applies to this file.

    Raises:
        DataError: It is no picture that is read, several (a stack), damaged, too large, or leaves its range.
        NonFiniteError: It holds NaN or infinity.
        InputError: The environment's DAE_MAX_MEGAPIXELS is no number.
    """
    stored = read_stored(path, channels)
    with _named(path):
        pixels, scale, notes = as_pixels(stored, value_range, clipped=False)
    kind, grey_or_colour = str(stored.values.dtype), with_channels(pixels, channels or len(pixels))
    return ImageFile(grey_or_colour, stored.alpha, kind, stored.profile, tuple(notes), scale)


def read_numbers(path: Path | str, channels: int) -> tuple[Tensor, Extent, tuple[str, ...]]:
    """A picture's own numbers, what they reach, and notes; see `daecore.data.image_values.as_numbers`.

    Raises:
        DataError: As `read_image` does, but whatever the range.
        NonFiniteError: It holds NaN or infinity.
    """
    stored = read_stored(path, channels)
    with _named(path):
        return as_numbers(stored, channels)


def read_stored(path: Path | str, channels: int = 0) -> Stored:
    """What stands in a picture file, in its own numbers; see `read_image`."""
    with _named(path):
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Refused("is no file but a folder, a pipe or a device.")
        with WholeFile(path) as file:
            return _decode(file, channels)


@contextmanager
def _named(path: Path | str) -> Iterator[None]:
    """What is wrong with a file, as a sentence that names it."""
    try:
        yield
    except (OSError, ValueError) as error:  # a name that no system takes is a ValueError
        said = getattr(error, "strerror", None) or error
        raise DataError(f"The image {path} cannot be opened: {said}.") from None
    except Refused as why:
        raise DataError(f"The image {path} {why}") from None
    except NonFiniteError as why:
        raise NonFiniteError(f"The image {path} {why}") from None


def _decode(file: IO[bytes], channels: int) -> Stored:
    """What stands in the file, by whom its first bytes are for.

    Raises:
        Refused: It is not read, or it is damaged.
    """
    start = file.read(BEGINNING)
    try:
        if start.startswith(PNG) and (pixels := decode_plain_png(start + file.read())) is not None:
            return Stored(pixels, 255)
        file.seek(0)
        return decode_tiff(file, channels) if start.startswith(MAGIC) else decode_raster(file, start, channels)
    except MemoryError:
        raise Refused("does not fit into memory. Cut it into parts.") from None
    except (Refused, DaecoreError):
        raise
    except Exception as error:  # of a damaged file: OSError, but also TypeError, struct.error, KeyError, zlib.error
        said = in_a_line(str(error)) or type(error).__name__
        raise Refused(f"cannot be read: {said.rstrip('.')}. Repair it, or take it out.") from None
