"""Locks: one process at a time, or one kind of user at a time, under a name; freed when the process dies.

A store of its own has a file for each, which the kernel frees. `shared.advisory_lock` has them in a database.
"""

import errno
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

POLL_SECONDS = (0.05, 0.5)  # how often one who waits looks, at first and later


class StoreLock(Protocol):
    """A lock of a store under its name; whoever has opened it closes it."""

    def take(self) -> bool:
        """Whether it could be had, and is held now."""

    def close(self) -> None:
        """Let others hold it, and give it up for good."""


class FolderLock:
    """A lock that is a file.

    Args:
        path: The file; it is made.
        shared: Whether others may hold it so as well.
    """

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB

    def take(self) -> bool:
        """Whether it could be had, and is held now."""
        if self._file is None:
            return False
        try:
            fcntl.flock(self._file, self._how)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            from daecore.errors import StoreError

            raise StoreError(
                f"The file system of {self._path} keeps no locks ({error.strerror}). Choose a folder on a disk of this "
                "machine with --store DIR or DAE_STORE."
            ) from None
        return True

    def close(self) -> None:
        """Let others hold it, and give it up for good; safe to call twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _take_after(lock: StoreLock, seconds: float) -> bool:
    time.sleep(seconds)
    return lock.take()


@contextmanager
def hold(lock: StoreLock, name: str) -> Iterator[bool]:
    """A block that holds a lock, waiting for whoever holds it; yields whether there was a wait."""
    try:
        seconds, most = POLL_SECONDS
        waited = not lock.take()
        while waited and not _take_after(lock, seconds):
            if seconds == POLL_SECONDS[0]:
                logging.getLogger("daecore.progress").warning("another process holds %s; waiting for it", name)
            seconds = min(most, 1.2 * seconds)
        yield waited
    finally:
        lock.close()
