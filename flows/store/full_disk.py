"""A full disk: known as such whatever a library made of it, and room kept back to write down how things ended.

A database that cannot be written cannot note that a run has ended either. So a store keeps a file that nobody needs,
and gives it up when the disk is full.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

RESERVE_BYTES = 16_000_000  # both databases write far less to close a run
LOW_BYTES = 4_000_000  # with less than this left, what failed has failed for it
FULL = (errno.ENOSPC, errno.EDQUOT)
WORDS = ("no space left on device", "disk is full", "disk quota exceeded")


def keep_reserve(root: Path) -> None:
    """Keep the file of a store, where the disk has more room than that.

    Args:
        root: The store's folder.
    """
    path = _reserve(root)
    try:
        if path.exists() or _free(root) < 4 * RESERVE_BYTES:
            return
        with path.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
            else:
                file.write(bytes(RESERVE_BYTES))
        path.chmod(0o600)
    except OSError:  # a file system without such files: there is none then
        path.unlink(missing_ok=True)


def give_up_reserve(root: Path, error: BaseException) -> None:
    """Make the room, where a full disk is what an error is about."""
    if is_full(root, error):
        _reserve(root).unlink(missing_ok=True)


def is_full(root: Path, error: BaseException) -> bool:
    """Whether an error comes of a full disk: it says so, or one it came from, or there is no room left.

    What a store has given up is no room: who asks later is answered as who asked first.
    """
    room = LOW_BYTES + (0 if _reserve(root).exists() else RESERVE_BYTES)
    return any(_says_so(each) for each in _chain(error)) or _free(root) < room


def sentence(root: Path) -> str:
    """What the user is told."""
    free = f"{_free(root) / 1e6:.0f} MB are free"
    return (
        f"The disk of {root} is full ({free}). Make room (`dae gc` helps) and give the same command again: "
        "it goes on where it was."
    )


def _free(root: Path) -> int:
    there = next(path for path in (root, *root.parents) if path.exists())
    return shutil.disk_usage(there).free


def _says_so(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return any(words in str(error).lower() for words in WORDS)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _reserve(root: Path) -> Path:
    return root / "reserve"
