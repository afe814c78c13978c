"""Journal: what is still to be told to somebody who may be away, kept in a file until it is.

A line for each entry, with its checksum, on the disk before `append` returns. What was told is noted in the same file,
which only grows; a line that was torn off by the end of its process, or altered, ends what is read. Knows neither
MLflow nor what the entries mean.
"""

import errno
import fcntl
import json
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from daecore.json_text import parse_json

from .full_disk import give_up_reserve

FOLDER = "journal"  # in a store
TOLD = "told"  # the key of a note: how many entries were told
LONGEST = 100_000_000  # bytes of a line: a picture may be in it
RUN = re.compile("[0-9a-f]{32}")  # as MLflow names runs
Entry = dict[str, Any]


class Journal:
    """The journal of one run, held by this process alone until it is closed; an empty one leaves no file.

    Args:
        path: Its file.

    Attributes:
        path: As above.

    Raises:
        BlockingIOError: Another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = _held(path)
        try:
            self._count, self._told, whole = _read(path)
            os.ftruncate(self._file, whole)  # what follows a torn line would never be read
        except BaseException:
            os.close(self._file)  # else nobody could hold it as long as this process lives
            raise

    @property
    def waiting(self) -> list[Entry]:
        """What was not told yet, the oldest first."""
        return [entry for entry, _ in _lines(self.path) if TOLD not in entry][self._told :]

    def append(self, entry: Entry) -> None:
        """Add an entry; when this returns it is on the disk.

        Raises:
            OSError: It could not be written, for want of room; what was there is whole.
        """
        self._write(entry)
        os.fsync(self._file)
        self._count += 1

    def note_told(self) -> None:
        """One more was told."""
        self._told += 1
        if self._told == self._count:
            os.ftruncate(self._file, 0)
            self._count = self._told = 0
        else:
            self._write({TOLD: self._told})

    def close(self) -> None:
        """Let others hold it."""
        if not os.fstat(self._file).st_size:
            self.path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, entry: Entry) -> None:
        text = json.dumps(entry).encode()
        line, before = b"%08x %s\n" % (zlib.crc32(text), text), os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            os.ftruncate(self._file, before)
            give_up_reserve(self.path.parents[1], error)
            raise


def _held(path: Path) -> int:
    """The file, held; one that its holder has removed meanwhile is made anew.

    Raises:
        BlockingIOError: Another process holds it.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == os.fstat(file).st_ino:
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def journals(root: Path) -> list[Path]:
    """The journals of a store that hold something, the oldest first."""
    found = [path for path in (root / FOLDER).glob("*.jsonl") if RUN.fullmatch(path.stem) and _is_waiting(path)]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def journal_path(root: Path, run_id: str) -> Path:
    """Where the journal of a run lies in a store."""
    return root / FOLDER / f"{run_id}.jsonl"


def _is_waiting(path: Path) -> bool:
    count, told, _ = _read(path)
    return count > told


def _read(path: Path) -> tuple[int, int, int]:
    """How many entries a file has, how many were told, and how many of its bytes are whole lines."""
    count = told = whole = 0
    for entry, size in _lines(path):
        whole += size
        if TOLD in entry:
            told = entry[TOLD] if isinstance(entry[TOLD], int) else told
        else:
            count += 1
    return count, max(0, min(told, count)), whole


def _lines(path: Path) -> Iterator[tuple[Entry, int]]:
    """The whole lines of a file, with their sizes."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        while line := file.readline(LONGEST):
            checksum, _, text = line.rstrip(b"\n").partition(b" ")
            if not line.endswith(b"\n") or checksum != f"{zlib.crc32(text):08x}".encode():
                return
            try:
                entry = parse_json(text)
            except ValueError:
                return
            if not isinstance(entry, dict):
                return
            yield entry, len(line)
