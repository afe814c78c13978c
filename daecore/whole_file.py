"""A file that is there whole or not at all: written in a folder beside its place, then renamed.

A process that is killed leaves that folder. Who writes to the same place next removes it: each writer holds a lock on
his own, which the kernel frees when the process dies. Knows the file system, not what is written.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

LONGEST = 100  # bytes of a name that go into the folder's: file systems allow 255
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
    written = folder / f"whole{_beginning(path.suffix)}"
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
        if len(rest) == RANDOM == len(name) - len(begin) and "." not in rest:
            _remove(path.parent / name)


def _remove(folder: Path) -> None:
    """Remove a folder that a writer has begun who is gone; what only has such a name is somebody's, or leads away."""
    if not _is_plain(folder, stat.S_ISDIR):
        return
    if not _is_plain(folder / LOCK, stat.S_ISREG):
        with suppress(OSError):
            folder.rmdir()  # he came no further; one that holds anything stays
        return
    with suppress(*NO_LOCK), FileLock(folder / LOCK, blocking=False):
        shutil.rmtree(folder, ignore_errors=True)


def _is_plain(path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether there is such a thing, and no link to one."""
    try:
        return kind(path.lstat().st_mode)
    except OSError:
        return False


def _prefix(path: Path) -> str:
    return f".{_beginning(path.name)}."


def _beginning(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[:LONGEST])
