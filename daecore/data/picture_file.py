"""Picture files: opened, told how many pictures they hold, and read one picture at a time.

The one reader for datasets, for restoring and for what comes in. A file's content says what it is, never its name.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from torch import Tensor

from daecore.data.cut_off import WholeFile
from daecore.data.dimensions import EVERYTHING, Choice, Dimension, choose
from daecore.data.image_file import ImageFile
from daecore.data.image_values import Refused, Stored, as_numbers, as_pixels, with_channels
from daecore.data.plain_png import MAGIC as PNG
from daecore.data.plain_png import decode_plain_png
from daecore.data.raster import decode_raster
from daecore.data.stack_file import Description
from daecore.data.tiff import MAGIC, TiffPictures, open_tiff
from daecore.data.value_range import Extent, ValueRange
from daecore.errors import DaecoreError, DataError, NonFiniteError, in_a_line

BEGINNING = 16  # bytes by which a format is known
INCH = 2  # as a TIFF counts units


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
    with open_picture_file(path) as pictures:
        pictures.require_one()
        return pictures.read(0, channels, value_range)


@contextmanager
def open_picture_file(path: Path | str, choice: Choice = EVERYTHING) -> Iterator["PictureFile"]:
    """The pictures in a file, one or, in a TIFF, several, to be read one by one while the block runs.

    Args:
        path: As `read_image` takes it.
        choice: What is taken of time, depth, channel or page; all of what is not named.

    Raises:
        DataError: It is no file of pictures, damaged, or has no such channel.
    """
    with ExitStack() as opened:
        with _named(path):
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise Refused("is no file but a folder, a pipe or a device.")
            file = opened.enter_context(WholeFile(path))
            start = file.read(BEGINNING)
            file.seek(0)
            tiff = opened.enter_context(_tiff(file)) if start.startswith(MAGIC) else None
            numbers, dimensions = choose(() if tiff is None else tiff.dimensions, choice)
        yield PictureFile(path, file, tiff, numbers, dimensions)


@contextmanager
def _tiff(file: IO[bytes]) -> Iterator[TiffPictures]:
    with ExitStack() as opened:
        with _decoding():
            tiff = opened.enter_context(open_tiff(file))
        yield tiff


class PictureFile:
    """The pictures in a file.

    Attributes:
        path: Its name.
        dimensions: Along which there are several.
        description: What the file says of them beside their values.
    """

    def __init__(
        self,
        path: Path | str,
        file: IO[bytes],
        tiff: TiffPictures | None,
        numbers: list[int],
        dimensions: tuple[Dimension, ...],
    ) -> None:
        self.path, self._file, self._tiff, self._numbers, self.dimensions = path, file, tiff, numbers, dimensions
        self.description = Description() if tiff is None else tiff.description

    def __len__(self) -> int:
        return len(self._numbers)

    def require_one(self) -> None:
        """Refuse several pictures.

        Raises:
            DataError: They are.
        """
        if len(self) > 1:
            there = ", ".join(map(str, self.dimensions))
            raise DataError(
                f"The image {self.path} has {len(self)} pictures ({there}), and one was expected. Choose one of "
                "each, or save each as a file of its own."
            )

    def read(self, number: int, channels: int = 0, value_range: ValueRange | None = None) -> ImageFile:
        """One of them, as `read_image` gives it."""
        stored = self.stored(number, channels)
        with _named(self._name(number)):
            pixels, scale, notes = as_pixels(stored, value_range)
        kind, grey_or_colour = str(stored.values.dtype), with_channels(pixels, channels or len(pixels))
        described = self.description if self._tiff is not None else Description(resolution=stored.dpi, unit=INCH)
        return ImageFile(
            grey_or_colour, stored.alpha, kind, stored.profile, tuple(notes), scale, described, stored.exif
        )

    def numbers(self, number: int, channels: int) -> tuple[Tensor, Extent, tuple[str, ...]]:
        """One's own numbers, what they reach, and notes; see `daecore.data.image_values.as_numbers`.

        Raises:
            DataError: As `read_image` does, but whatever the range.
            NonFiniteError: It holds NaN or infinity.
        """
        stored = self.stored(number, channels)
        with _named(self._name(number)):
            return as_numbers(stored, channels)

    def stored(self, number: int, channels: int = 0) -> Stored:
        """What stands in the file of one of them.

        Raises:
            DataError: As `read_image` does, but whatever the range.
        """
        with _named(self._name(number)), _decoding():
            if self._tiff is not None:
                return self._tiff.read(self._numbers[number], channels)
            start = self._file.read(BEGINNING)
            plain = channels and start.startswith(PNG)  # what stands beside the pixels is wanted where all channels are
            if plain and (pixels := decode_plain_png(start + self._file.read())) is not None:
                return Stored(pixels, 255)
            self._file.seek(0)
            return decode_raster(self._file, start, channels)

    def _name(self, number: int) -> str:
        return str(self.path) if len(self) == 1 else f"{self.path}, picture {number + 1} of {len(self)},"


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


@contextmanager
def _decoding() -> Iterator[None]:
    """What decoders raise, as what is wrong with the file.

    Raises:
        Refused: It is not read, or it is damaged.
    """
    try:
        yield
    except MemoryError:
        raise Refused("does not fit into memory. Cut it into parts.") from None
    except (Refused, DaecoreError):
        raise
    except Exception as error:  # of a damaged file: OSError, but also TypeError, struct.error, KeyError, zlib.error
        said = in_a_line(str(error)) or type(error).__name__
        raise Refused(f"cannot be read: {said.rstrip('.')}. Repair it, or take it out.") from None
