"""A folder that a living process holds: it goes with its holder, or with whoever begins the next one beside it.

A process that is killed leaves its folder. Each holder has a lock in his own, which the kernel frees when the process
dies; one that nobody holds is removed. Knows the file system, not what is kept there.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

RANDOM = 8  # letters that `tempfile` puts behind a prefix
LOCK = "lock"  # in the folder
NO_LOCK = (OSError, NotImplementedError)  # of a file system without locks, where what was left behind stays


class HeldFolder:
    """A new folder, for its user alone, beside others of the same prefix; those of his that nobody holds are removed.

    Args:
        parent: A folder that is there.
        prefix: What its name begins with.

    Attributes:
        path: The folder.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, parent: Path, prefix: str) -> None:
        self._lock, self.path = _begin(parent, prefix)
        self._prefix = prefix
        self.remove_left_behind()

    def remove_left_behind(self) -> None:
        """Remove those beside it that nobody holds any more."""
        with suppress(OSError):
            _remove_left_behind(self.path.parent, self._prefix, self.path.stat().st_uid)

    def remove(self) -> None:
        """Remove it, with all it holds; safe to call twice."""
        self._lock.release(force=True)
        shutil.rmtree(self.path, ignore_errors=True)


def _begin(parent: Path, prefix: str) -> tuple[BaseFileLock, Path]:
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
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


def _remove_left_behind(parent: Path, prefix: str, user: int) -> None:
    """Remove what processes of a user's that are gone have left."""
    for name in os.listdir(parent):
        rest = name.removeprefix(prefix)
        if len(rest) == RANDOM == len(name) - len(prefix) and "." not in rest:
            _remove(parent / name, user)


def _remove(folder: Path, user: int) -> None:
    """Remove a folder that nobody holds; what only has such a name is somebody's, or leads away."""
    if not _is_his(user, folder, stat.S_ISDIR):
        return
    if not _is_his(user, folder / LOCK, stat.S_ISREG):
        with suppress(OSError):
            folder.rmdir()  # its holder came no further; one that holds anything stays
        return
    with suppress(*NO_LOCK), FileLock(folder / LOCK, blocking=False):
        shutil.rmtree(folder, ignore_errors=True)


def _is_his(user: int, path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether there is such a thing of a user's, and no link to one; some systems tell no users apart."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return kind(found.st_mode) and found.st_uid == user
