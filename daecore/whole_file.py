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

try:
    import fcntl
except ImportError:  # elsewhere than on POSIX systems what was left behind stays
    LOCKS = False
else:
    LOCKS = True

LONGEST = 100  # letters of a name that go into the folder's: file systems allow 255
RANDOM = 8  # letters that `tempfile` puts behind them


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A block that writes a new file; at the end it takes the place of ``path``.

    Libraries that write beside what they are given do so in a folder that is gone in the end.

    Args:
        path: In a folder that is there.

    Raises:
        OSError: It cannot be written; what was there before stays.
    """
    _remove_left_behind(path)
    handle, folder = _begin(path)
    try:
        written = folder / f"whole{path.suffix[:LONGEST]}"
        yield written
        os.replace(written, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _begin(path: Path) -> tuple[int, Path]:
    """A new folder beside a path, locked where its file system has locks."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=_prefix(path)))
        with suppress(FileNotFoundError):  # somebody took it for one that was left behind, before it was locked
            handle = os.open(folder, os.O_RDONLY)
            with suppress(OSError):
                _lock(handle)
            if folder.exists():
                return handle, folder
            os.close(handle)


def _remove_left_behind(path: Path) -> None:
    """Remove what a process that is gone has left beside a path."""
    begin = _prefix(path)
    for name in os.listdir(path.parent) if LOCKS else ():
        rest = name.removeprefix(begin)
        if len(rest) == RANDOM == len(name) - len(begin) and "." not in rest:
            with suppress(OSError):  # its writer lives; somebody else has just removed it; it is another user's
                _remove(path.parent / name)


def _remove(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _lock(handle)
        shutil.rmtree(folder)
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    """Lock a folder.

    Raises:
        OSError: Another process holds it, or its file system has no locks.
    """
    if LOCKS:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _prefix(path: Path) -> str:
    return f".{path.name[:LONGEST]}."
