"""A file that is there whole or not at all: written in a folder beside its place, then renamed.

A process that is killed leaves that folder. Who writes to the same place next removes it: each writer holds a lock on
his own, which the kernel frees when the process dies. Knows the file system, not what is written.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

LONGEST = 100  # letters of a name that go into the folder's: file systems allow 255
RANDOM = 8  # letters that `tempfile` puts behind them
LOCK = "lock"  # in the folder
NO_LOCK = (OSError, NotImplementedError)  # of a file system without locks, where what was left behind stays


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A block that writes a new file; at the end it takes the place of ``path``.

    If it writes none, what was there stays. Libraries that write beside what they are given do so in a folder that is
    gone in the end.

    Args:
        path: In a folder that is there.

    Raises:
        OSError: It cannot be written; what was there before stays.
    """
    _remove_left_behind(path)
    lock, folder = _begin(path)
    written = folder / f"whole{path.suffix[:LONGEST]}"
    try:
        yield written
        if written.exists():
            os.replace(written, path)
    finally:
        lock.release(force=True)
        shutil.rmtree(folder, ignore_errors=True)


def _begin(path: Path) -> tuple[BaseFileLock, Path]:
    """A new folder beside a path, and its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=_prefix(path)))
        lock = FileLock(folder / LOCK, blocking=False)
        try:
            with suppress(NotImplementedError):
                lock.acquire()
        except (Timeout, FileNotFoundError):  # somebody takes it for one that was left behind
            continue
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if folder.exists():
            return lock, folder


def _remove_left_behind(path: Path) -> None:
    """Remove what a process that is gone has left beside a path."""
    begin = _prefix(path)
    for name in os.listdir(path.parent):
        rest = name.removeprefix(begin)
        if len(rest) == RANDOM == len(name) - len(begin) and "." not in rest and (path.parent / name).is_dir():
            with suppress(*NO_LOCK), FileLock(path.parent / name / LOCK, blocking=False):  # its writer is gone
                shutil.rmtree(path.parent / name, ignore_errors=True)


def _prefix(path: Path) -> str:
    return f".{path.name[:LONGEST]}."
