"""Decoding: picture files become numbers once, kept in the data folder, and are mapped from there ever after.

What a list of files gave lies in a folder of its own (see `daecore.data.picture_store`). What a killed process has
written counts. What another list gave of the same file is copied instead of decoded. Knows files and how they looked
when they were listed. Does not know what becomes of the pictures.
"""

import hashlib
import logging
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache as once
from importlib.metadata import version
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from daecore.data import dimensions, image_values, picture_file, plain_png, raster, tiff
from daecore.data.dimensions import EVERYTHING, Choice
from daecore.data.durable import say_of
from daecore.data.image_listing import Listed
from daecore.data.picture_file import open_picture_file
from daecore.data.picture_store import HEADER, PictureWriter, no_room
from daecore.data.pictures import Pictures
from daecore.data.stored_pictures import is_finished, known_pictures, open_pictures
from daecore.data.value_range import Extent
from daecore.errors import DaecoreError, DataError, InputError
from daecore.processors import usable

KEPT = "decoded"  # the folder within the data folder
SMALL_FILE, LARGE_FILE = 16_000, 500_000  # bytes
AHEAD, FEW_AHEAD = 8, 1  # files that are decoded before they are needed, for each thread; of large ones few
SAID_SECONDS = 5
AT_ONCE = 16  # pictures of one file that are read before they are written
READERS = (dimensions, image_values, picture_file, plain_png, raster, tiff)
LIBRARIES = ("pillow", "tifffile", "imagecodecs")
progress = logging.getLogger("daecore.progress")

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


@dataclass(frozen=True)
class Decoded:
    """What picture files gave.

    Attributes:
        pictures: Those that could be read, in the order of their files.
        places: ``(N,)``, of which of the files each is.
        notes: What a user must know of some, a sentence each, with the name of the file.
        bad: What is wrong with each of the others.
    """

    pictures: Pictures
    places: NDArray[np.int64]
    notes: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()


def decode(files: Sequence[Listed], channels: int, cache: Path, choice: Choice = EVERYTHING) -> Decoded:
    """Decode picture files, or take what was decoded before.

    Args:
        files: As they were listed; at least one.
        channels: 1 reads them grey, 3 in colour.
        cache: The data folder.
        choice: What is taken of the pictures in one file; all of what is not named.

    Returns:
        Those that can be read, mapped, and what is wrong with the others.

    Raises:
        DataError: A file has changed since it was listed, or there is no room for what is decoded.
        InputError: No picture can be read, as the environment says something that cannot be.
    """
    way = Way(channels, choice)
    keys = [key_of(file, way) for file in files]
    folder = cache / KEPT / hashlib.sha256(b"".join(keys)).hexdigest()[:32]
    _have(folder, files, keys, way)
    pictures, notes = open_pictures(folder, len(files), channels)
    of_file = np.cumsum(pictures.rows["page"] == 0) - 1
    good = pictures.rows["height"] > 0
    places, bad = of_file[good], of_file[~good]
    if any(_can_be_read(files[n], way) for n in bad.tolist()):
        (folder / HEADER).unlink(missing_ok=True)  # a limit was lifted, or a disk has come back
        return decode(files, channels, cache, choice)
    told = tuple(note for n in np.unique(places).tolist() for note in notes.get(keys[n], ())) if notes else ()
    unread = {n: notes.get(keys[n]) or [f"The image {files[n].path} cannot be read."] for n in bad.tolist()}
    said = tuple(note for some in unread.values() for note in some)
    return Decoded(pictures.select(np.flatnonzero(good)) if len(bad) else pictures, places, told, said)


def _have(folder: Path, files: Sequence[Listed], keys: Sequence[bytes], way: Way) -> None:
    """Decode what is not there; processes that do this at the same time wait for each other."""
    if is_finished(folder, len(files), way.channels):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock").acquire()
    except OSError as error:
        raise no_room(folder, error) from None
    with lock:
        say_of(folder, str(files[0].root))
        if not is_finished(folder, len(files), way.channels):  # another process may have done it meanwhile
            _write(folder, files, keys, way)


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


def _write(folder: Path, files: Sequence[Listed], keys: Sequence[bytes], way: Way) -> None:
    """Decode what is not there yet."""
    with PictureWriter(folder, way.channels, keys) as writer:
        begun = writer.count
        known = known_pictures(folder.parent, set(keys[begun:]), way.channels, besides=folder)
        if begun or known:
            progress.info("decoding: %d of %d files were decoded before", begun + len(known), len(files))
        asked = [file for file, key in zip(files[begun:], keys[begun:], strict=True) if key not in known]
        decoded, said = _decoded(asked, way), time.monotonic()
        for number, key in enumerate(keys[begun:], begun + 1):
            if key in known:
                for page, it in enumerate(known[key]):
                    writer.add(key, it.numbers, it.extent, it.notes, page=page, pages=len(known[key]))
            else:
                _add(writer, key, files[number - 1], next(decoded))
            if time.monotonic() - said > SAID_SECONDS:
                said = time.monotonic()
                progress.info("decoding: %d of %d files", number, len(files))
        writer.finish()


def _add(writer: PictureWriter, key: bytes, file: Listed, result: Result) -> None:
    """Write what a file gave: all of its pictures, or what is wrong with it."""
    if isinstance(result, str):
        writer.add_bad(key, result)
        return
    try:
        for page, (numbers, extent, notes) in enumerate(result.pages):
            told = [f"{file.path}: {note}" for note in notes]
            writer.add(key, numbers, extent, told, page=page, pages=result.count)
    except _Damaged as error:
        writer.take_back()
        writer.add_bad(key, str(error))


def _decoded(files: Sequence[Listed], way: Way) -> Iterator[Result]:
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


class _Damaged(Exception):
    """A file, in a sentence, of which some pictures were read."""


def _read(file: Listed, way: Way) -> Result:
    """The numbers of a file; of one with many pictures none is read yet."""
    try:
        with _reading(file), open_picture_file(file.where, way.choice) as pictures:
            if len(pictures) > AT_ONCE:
                return Read(len(pictures), _pages(file, way))
            found = [pictures.numbers(number, way.channels) for number in range(len(pictures))]
    except _Damaged as error:
        return str(error)
    return Read(len(found), found)


def _can_be_read(file: Listed, way: Way) -> bool:
    """Whether all of it can be read now."""
    result = _read(file, way)
    try:
        return not isinstance(result, str) and all(True for _ in result.pages)
    except _Damaged:
        return False


def _pages(file: Listed, way: Way) -> Iterator[Page]:
    """The pictures of a file, each read when it is asked for.

    Raises:
        DataError: It has changed since it was listed.
        _Damaged: It cannot be read.
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
        raise _Damaged(str(error)) from None
    except OSError as error:
        raise _Damaged(f"The image {path} cannot be opened: {error.strerror or error}.") from None
    if (now.st_size, now.st_mtime_ns) != (file.size, file.changed_ns):
        raise DataError(
            f"The image {path} has changed since its folder was listed. Run again when nobody writes there."
        )
