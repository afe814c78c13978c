"""A file that is there whole or not at all: written beside its place, then renamed.

A process that is killed leaves what it had written beside the place. Who writes there next removes it: each writer
holds a lock on what it writes, which the kernel frees when the process dies. Knows the file system, not what is written.
"""

import os
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

LONGEST = 100  # letters of a name that go into that of what is written: file systems allow 255
RANDOM = 8  # letters that `tempfile` puts behind them


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A block that writes an empty file, its user's alone; at the end it takes the place of ``path``.

    Args:
        path: In a folder that is there.

    Raises:
        OSError: It cannot be written; what was there before stays.
    """
    _remove_left_behind(path)
    handle, temporary = _begin(path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


def _begin(path: Path) -> tuple[int, Path]:
    """A new file beside a path, locked where its file system has locks; and its name."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
        with suppress(OSError):
            _lock(handle)
        if os.fstat(handle).st_nlink:  # else somebody took it for one that was left behind, before it was locked
            return handle, Path(name)
        os.close(handle)


def _remove_left_behind(path: Path) -> None:
    """Remove what a process that is gone has left beside a path."""
    begin = _prefix(path)
    for name in os.listdir(path.parent) if LOCKS else ():
        rest = name.removeprefix(begin)
        if len(rest) == RANDOM == len(name) - len(begin) and "." not in rest:
            with suppress(OSError):  # its writer lives; somebody else has just removed it; it is another user's
                handle = os.open(path.parent / name, os.O_RDWR | os.O_NOFOLLOW)
                with os.fdopen(handle):
                    _lock(handle)
                    (path.parent / name).unlink()


def _lock(handle: int) -> None:
    """Lock a file.

    Raises:
        OSError: Another process holds it, or its file system has no locks.
    """
    if LOCKS:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _prefix(path: Path) -> str:
    return f".{path.name[:LONGEST]}."
