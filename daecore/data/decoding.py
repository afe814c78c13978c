"""Decoding: picture files become numbers once, kept in the data folder, and are mapped from there ever after.

What a list of files gave lies in a folder of its own (see `daecore.data.picture_store`). What a killed process has
written counts. What another list gave of the same file is copied instead of decoded. Knows files and how they looked
when they were listed. Does not know what becomes of the pictures.
"""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from daecore.data.dimensions import EVERYTHING, Choice
from daecore.data.durable import say_of
from daecore.data.image_listing import Listed
from daecore.data.picture_reading import Damaged, Result, Way, can_be_read, key_of, read_all
from daecore.data.picture_rows import HEADER
from daecore.data.picture_store import PictureWriter, no_room
from daecore.data.pictures import Pictures
from daecore.data.stored_pictures import is_finished, known_pictures, open_pictures

KEPT = "decoded"  # the folder within the data folder
SAID_SECONDS = 5
progress = logging.getLogger("daecore.progress")


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
    if any(can_be_read(files[n], way) for n in bad.tolist()):
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


def _write(folder: Path, files: Sequence[Listed], keys: Sequence[bytes], way: Way) -> None:
    """Decode what is not there yet."""
    with PictureWriter(folder, way.channels, keys) as writer:
        begun = writer.count
        known = known_pictures(folder.parent, set(keys[begun:]), way.channels, besides=folder)
        if begun or known:
            progress.info("decoding: %d of %d files were decoded before", begun + len(known), len(files))
        asked = [file for file, key in zip(files[begun:], keys[begun:], strict=True) if key not in known]
        decoded, said = read_all(asked, way), time.monotonic()
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
    except Damaged as error:
        writer.take_back()
        writer.add_bad(key, str(error))
