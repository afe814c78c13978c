"""Picture reading: what each of many files gives, in their own numbers, by all cores.

A file must look as it did when it was listed. Knows files. Does not know where their pictures are kept.
"""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache as once
from importlib.metadata import version
from pathlib import Path

from torch import Tensor

from daecore.data import dimensions, image_values, picture_file, plain_png, raster, tiff, tiff_description
from daecore.data.dimensions import EVERYTHING, Choice
from daecore.data.image_listing import Listed
from daecore.data.picture_file import open_picture_file
from daecore.data.value_range import Extent
from daecore.errors import DaecoreError, DataError, InputError
from daecore.processors import usable

SMALL_FILE, LARGE_FILE = 16_000, 500_000  # bytes
AHEAD, FEW_AHEAD = 8, 1  # files that are decoded before they are needed, for each thread; of large ones few
AT_ONCE = 16  # pictures of one file that are read before they are written
READERS = (dimensions, image_values, picture_file, plain_png, raster, tiff, tiff_description)
LIBRARIES = ("pillow", "tifffile", "imagecodecs")

Page = tuple[Tensor, Extent, tuple[str, ...]]
"""The numbers of a picture ``(C, H, W)``, what they reach, and notes."""


@dataclass(frozen=True)
class Way:
    """How files are read.

    Attributes:
        channels: 1 reads them grey, 3 in colour.
        choice: What is taken of the pictures in one file, see `daecore.data.dimensions`.
    """

    channels: int
    choice: Choice = field(default_factory=lambda: EVERYTHING)

    def __str__(self) -> str:
        """Another text where files are read as other numbers."""
        chosen = [f"{name}={self.choice[name]!r}" for name in sorted(self.choice)]
        return " ".join([_way_of_reading(), str(self.channels), *chosen])


@dataclass(frozen=True)
class Read:
    """What a file gave.

    Attributes:
        count: How many pictures.
        pages: They; many of them are read only when they are asked for.
    """

    count: int
    pages: Iterable[Page]


Result = str | Read
"""What a file gave, or what is wrong with it."""


def key_of(file: Listed, way: Way) -> bytes:
    """16 bytes: the same for the same content, read in the same way.

    A file is known by where the system keeps it and when it last changed in any way: its folder may be renamed, and
    what took its name and its time is another file.
    """
    said = f"{way} {file.device} {file.inode} {file.size} {file.changed_ns} {file.touched_ns}"
    return hashlib.sha256(said.encode()).digest()[:16]


@once
def _way_of_reading() -> str:
    """Another text when files might be read as other numbers."""
    sources = b"".join(Path(str(module.__file__)).read_bytes() for module in READERS)
    return " ".join([hashlib.sha256(sources).hexdigest(), *map(version, LIBRARIES)])


def read_all(files: Sequence[Listed], way: Way) -> Iterator[Result]:
    """What each file gives, in their order, by all cores.

    Small ones are decoded by whoever asks: between threads that all hold Python's lock most of the time they would be
    handed over more often than decoded.
    """
    threads = usable()
    waiting: deque[tuple[Listed, Future[Result] | None]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for file in files:
            waiting.append((file, pool.submit(_read, file, way) if file.size >= SMALL_FILE else None))
            while len(waiting) > threads * (AHEAD if file.size < LARGE_FILE else FEW_AHEAD):
                first, future = waiting.popleft()
                yield future.result() if future else _read(first, way)
        for first, future in waiting:
            yield future.result() if future else _read(first, way)
    finally:
        pool.shutdown(cancel_futures=True)


class Damaged(Exception):
    """A file, in a sentence, of which some pictures were read."""


def _read(file: Listed, way: Way) -> Result:
    """The numbers of a file; of one with many pictures none is read yet."""
    try:
        with _reading(file), open_picture_file(file.where, way.choice) as pictures:
            if len(pictures) > AT_ONCE:
                return Read(len(pictures), _pages(file, way))
            found = [pictures.numbers(number, way.channels) for number in range(len(pictures))]
    except Damaged as error:
        return str(error)
    return Read(len(found), found)


def can_be_read(file: Listed, way: Way) -> bool:
    """Whether all of it can be read now."""
    result = _read(file, way)
    try:
        return not isinstance(result, str) and all(True for _ in result.pages)
    except Damaged:
        return False


def _pages(file: Listed, way: Way) -> Iterator[Page]:
    """The pictures of a file, each read when it is asked for.

    Raises:
        DataError: It has changed since it was listed.
        Damaged: It cannot be read.
    """
    with _reading(file), open_picture_file(file.where, way.choice) as pictures:
        for number in range(len(pictures)):
            yield pictures.numbers(number, way.channels)


@contextmanager
def _reading(file: Listed) -> Iterator[None]:
    """What is wrong with a file, which must look afterwards as it did when it was listed."""
    path = file.where
    try:
        yield
        now = os.stat(path)
    except InputError:
        raise
    except DaecoreError as error:
        raise Damaged(str(error)) from None
    except OSError as error:
        raise Damaged(f"The image {path} cannot be opened: {error.strerror or error}.") from None
    if (now.st_size, now.st_mtime_ns) != (file.size, file.changed_ns):
        raise DataError(
            f"The image {path} has changed since its folder was listed. Run again when nobody writes there."
        )
