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
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache as once
from importlib.metadata import version
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from daecore.data import image_file, image_values, plain_png, raster, tiff
from daecore.data.durable import say_of
from daecore.data.image_file import read_numbers
from daecore.data.image_listing import Listed
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
READERS = (image_file, image_values, plain_png, raster, tiff)
LIBRARIES = ("pillow", "tifffile", "imagecodecs")
progress = logging.getLogger("daecore.progress")

Result = str | tuple[Tensor, Extent, tuple[str, ...]]
"""The numbers of a file ``(C, H, W)``, what they reach, and notes; or what is wrong with it."""


@dataclass(frozen=True)
class Decoded:
    """What picture files gave.

    Attributes:
        pictures: Those that could be read, in the order of their files.
        places: ``(N,)``, which of the files these were.
        notes: What a user must know of some, a sentence each, with the name of the file.
        bad: What is wrong with each of the others.
    """

    pictures: Pictures
    places: NDArray[np.int64]
    notes: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()


def decode(files: Sequence[Listed], channels: int, cache: Path) -> Decoded:
    """Decode picture files, or take what was decoded before.

    Args:
        files: As they were listed; at least one.
        channels: 1 reads them grey, 3 in colour.
        cache: The data folder.

    Returns:
        Those that can be read, mapped, and what is wrong with the others.

    Raises:
        DataError: A file has changed since it was listed, or there is no room for what is decoded.
        InputError: No picture can be read, as the environment says something that cannot be.
    """
    keys = [key_of(file, channels) for file in files]
    folder = cache / KEPT / hashlib.sha256(b"".join(keys)).hexdigest()[:32]
    _have(folder, files, keys, channels)
    pictures, notes = open_pictures(folder, len(files), channels)
    good = pictures.rows["height"] > 0
    places, bad = np.flatnonzero(good), np.flatnonzero(~good)
    if any(not isinstance(_read(files[n], channels), str) for n in bad.tolist()):
        (folder / HEADER).unlink(missing_ok=True)  # a limit was lifted, or a disk has come back
        return decode(files, channels, cache)
    told = tuple(note for n in places.tolist() for note in notes.get(keys[n], ())) if notes else ()
    unread = {n: notes.get(keys[n]) or [f"The image {files[n].path} cannot be read."] for n in bad.tolist()}
    said = tuple(note for some in unread.values() for note in some)
    return Decoded(pictures.select(places) if len(bad) else pictures, places, told, said)


def _have(folder: Path, files: Sequence[Listed], keys: Sequence[bytes], channels: int) -> None:
    """Decode what is not there; processes that do this at the same time wait for each other."""
    if is_finished(folder, len(files), channels):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock").acquire()
    except OSError as error:
        raise no_room(folder, error) from None
    with lock:
        say_of(folder, str(files[0].root))
        if not is_finished(folder, len(files), channels):  # another process may have done it meanwhile
            _write(folder, files, keys, channels)


def key_of(file: Listed, channels: int) -> bytes:
    """16 bytes: the same for the same content, read in the same way.

    A file is known by where the system keeps it and when it last changed in any way: its folder may be renamed, and
    what took its name and its time is another file.
    """
    said = f"{_way_of_reading()} {channels} {file.device} {file.inode} {file.size} {file.changed_ns} {file.touched_ns}"
    return hashlib.sha256(said.encode()).digest()[:16]


@once
def _way_of_reading() -> str:
    """Another text when files might be read as other numbers."""
    sources = b"".join(Path(str(module.__file__)).read_bytes() for module in READERS)
    return " ".join([hashlib.sha256(sources).hexdigest(), *map(version, LIBRARIES)])


def _write(folder: Path, files: Sequence[Listed], keys: Sequence[bytes], channels: int) -> None:
    """Decode what is not there yet."""
    with PictureWriter(folder, channels, keys) as writer:
        begun = writer.count
        known = known_pictures(folder.parent, set(keys[begun:]), channels, besides=folder)
        if begun or known:
            progress.info("decoding: %d of %d pictures were decoded before", begun + len(known), len(files))
        asked = [file for file, key in zip(files[begun:], keys[begun:], strict=True) if key not in known]
        decoded, said = _decoded(asked, channels), time.monotonic()
        for number, key in enumerate(keys[begun:], begun + 1):
            if key in known:
                writer.add(key, known[key].numbers, known[key].extent, known[key].notes)
            elif isinstance(result := next(decoded), str):
                writer.add_bad(key, result)
            else:
                numbers, extent, notes = result
                writer.add(key, numbers, extent, [f"{files[number - 1].path}: {note}" for note in notes])
            if time.monotonic() - said > SAID_SECONDS:
                said = time.monotonic()
                progress.info("decoding: %d of %d pictures", number, len(files))
        writer.finish()


def _decoded(files: Sequence[Listed], channels: int) -> Iterator[Result]:
    """What each file gives, in their order, by all cores.

    Small ones are decoded by whoever asks: between threads that all hold Python's lock most of the time they would be
    handed over more often than decoded.
    """
    threads = usable()
    waiting: deque[tuple[Listed, Future[Result] | None]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for file in files:
            waiting.append((file, pool.submit(_read, file, channels) if file.size >= SMALL_FILE else None))
            while len(waiting) > threads * (AHEAD if file.size < LARGE_FILE else FEW_AHEAD):
                first, future = waiting.popleft()
                yield future.result() if future else _read(first, channels)
        for first, future in waiting:
            yield future.result() if future else _read(first, channels)
    finally:
        pool.shutdown(cancel_futures=True)


def _read(file: Listed, channels: int) -> Result:
    """The numbers of a file, which must look as it did when it was listed."""
    path = file.where
    try:
        numbers = read_numbers(path, channels)
        now = os.stat(path)
    except InputError:
        raise
    except DaecoreError as error:
        return str(error)
    except OSError as error:
        return f"The image {path} cannot be opened: {error.strerror or error}."
    if (now.st_size, now.st_mtime_ns) != (file.size, file.changed_ns):
        raise DataError(
            f"The image {path} has changed since its folder was listed. Run again when nobody writes there."
        )
    return numbers
