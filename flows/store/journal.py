"""Journal: what is still to be told to somebody who may be away, kept in a file until it is.

A line for each entry, with its checksum, on the disk before `append` returns. What was told is noted in the same file,
which only grows, by the place where its line begins. A line that was torn off by the end of its process is let go. One
that was altered is left out, and those around it are read. Knows neither MLflow nor what the entries mean.
"""

import errno
import fcntl
import json
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from daecore.errors import StoreError, quote
from daecore.json_text import parse_json

from .full_disk import give_up_reserve

FOLDER = "journal"  # in a store
TOLD = "told_at"  # the key of a note: the place of an entry that was told
LONGEST = 100_000_000  # bytes of a line: a picture may be in it
RUN = re.compile("[0-9a-f]{32}")  # as MLflow names runs
Entry = dict[str, Any]


class Journal:
    """The journal of one run, held by this process alone until it is closed; an empty one leaves no file.

    Args:
        path: Its file.

    Attributes:
        path: As above.
        damaged: How many of its lines somebody has altered.

    Raises:
        BlockingIOError: Another process holds it.
        StoreError: A link, or anything but a file, is in its place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = _held(path)
        try:
            self._untold, self.damaged, end = _read(path)
            os.ftruncate(self._file, end)  # a line behind a torn one would be taken for a part of it
            _keep_name(path)
        except BaseException:
            os.close(self._file)  # else nobody could hold it as long as this process lives
            raise

    @property
    def waiting(self) -> dict[int, Entry]:
        """What was not told yet, by the place of each in the file, the oldest first."""
        found = ((line.place, line.entry) for line in _lines(self.path) if line.place in self._untold)
        return {place: entry for place, entry in found if entry is not None}

    def append(self, entry: Entry) -> int:
        """Add an entry; when this returns it is on the disk. Its place is given back.

        Raises:
            OSError: It could not be written, for want of room; what was there is whole.
        """
        place = self._write(entry, sync=True)
        self._untold.add(place)
        return place

    def note_told(self, place: int) -> None:
        """The entry at this place was told. Where there is no room to note it, the next process finds it untold."""
        self._untold.discard(place)
        if not self._untold:
            os.ftruncate(self._file, 0)
            return
        with suppress(OSError):
            self._write({TOLD: place})

    def close(self) -> None:
        """Let others hold it."""
        if not os.fstat(self._file).st_size:
            self.path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, entry: Entry, *, sync: bool = False) -> int:
        text = json.dumps(entry).encode()
        line, before = b"%08x %s\n" % (zlib.crc32(text), text), os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if sync:
                os.fsync(self._file)
        except BaseException as error:  # also an interrupt: whoever hears it takes the entry for unwritten
            os.ftruncate(self._file, before)
            give_up_reserve(self.path.parents[1], error)
            raise
        return before


def _held(path: Path) -> int:
    """The file, held; one that its holder has removed meanwhile is made anew.

    Raises:
        BlockingIOError: Another process holds it.
        StoreError: It is no file.
    """
    while True:
        if not _may_be_one(path):
            raise StoreError(
                f"A journal should be the file {quote(str(path))}, but a link, or no file, is in its place. Nothing is "
                "written there: remove it, and give the same command again."
            )
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(file)):
                    return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _keep_name(path: Path) -> None:
    """Have the name of a new file on the disk, too, where the file system can."""
    with suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def journals(root: Path) -> list[Path]:
    """The journals of a store that hold something, the oldest first."""
    found = list[tuple[float, Path]]()
    for path in (root / FOLDER).glob("*.jsonl"):
        with suppress(FileNotFoundError):  # its process has told the rest meanwhile
            if RUN.fullmatch(path.stem) and _may_be_one(path) and _read(path).untold:
                found.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(found)]


def journal_path(root: Path, run_id: str) -> Path:
    """Where the journal of a run lies in a store.

    Raises:
        StoreError: MLflow names no run like that: it would lie anywhere.
    """
    if not RUN.fullmatch(run_id):
        raise StoreError(
            f"A run should have 32 hexadecimal digits as its id, but MLflow calls one {quote(run_id)}. Nothing is "
            "written for it: somebody has changed MLflow's database."
        )
    return root / FOLDER / f"{run_id}.jsonl"


def _may_be_one(path: Path) -> bool:
    """Whether a journal is, or can be, at a path: who opens what a link names changes a file elsewhere."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return True


class _Found(NamedTuple):
    """What a file holds: the places of what was not told, how many lines were altered, and the last sound one's end."""

    untold: set[int]
    damaged: int
    end: int


def _read(path: Path) -> _Found:
    untold, damaged, end = set[int](), 0, 0
    for line in _lines(path):
        if line.entry is None:
            damaged += 1
            continue
        end = line.end
        if TOLD not in line.entry:
            untold.add(line.place)
        elif isinstance(line.entry[TOLD], int):
            untold.discard(line.entry[TOLD])
    return _Found(untold, damaged, end)


class _Line(NamedTuple):
    """A line: where it begins and ends, and its entry; None where somebody has altered it."""

    place: int
    entry: Entry | None
    end: int


def _lines(path: Path) -> Iterator[_Line]:
    """The lines of a file, without one at its end that was not finished."""
    place = 0
    with path.open("rb") as file:
        while line := file.readline(LONGEST):
            if not line.endswith(b"\n") and len(line) < LONGEST:
                return
            yield _Line(place, _entry(line), place + len(line))
            place += len(line)


def _entry(line: bytes) -> Entry | None:
    checksum, _, text = line.removesuffix(b"\n").partition(b" ")
    if checksum != f"{zlib.crc32(text):08x}".encode():
        return None
    try:
        found = parse_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
