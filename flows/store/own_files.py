"""The files of a store by their paths in it: those of a store of its own lie there and nowhere else.

`shared.files` has the same words for a store whose files other machines see.
"""

import shutil
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Size:
    """What a file or folder takes, and when something in it was last written; nothing, and long ago, for what is gone.

    Attributes:
        bytes: Of all files in it.
        written: The latest time.
    """

    bytes: int = 0
    written: datetime = LONG_AGO


class StoreFiles(Protocol):
    """What a store does with its files; every path is one in the store's folder."""

    def bring(self, path: Path) -> Path:
        """Have the file here as others have left it, or not at all where there is none; the same path."""

    def bring_newer(self, path: Path) -> Path:
        """The same, but where the one here was written later."""

    def give(self, path: Path) -> None:
        """Let others have a file as it is here."""

    def drop(self, path: Path) -> None:
        """Remove a file or a folder, here and for others; nothing where there is none."""

    def holds(self, path: Path) -> bool:
        """Whether there is such a file."""

    def within(self, folder: Path) -> list[Path]:
        """The files and folders in a folder."""

    def size(self, path: Path) -> Size:
        """What a file or folder takes."""


class OwnFiles:
    """The files of a store that nobody shares: they are where they are."""

    def bring(self, path: Path) -> Path:
        """Nothing is to be done."""
        return path

    def bring_newer(self, path: Path) -> Path:
        """Nothing is to be done."""
        return path

    def give(self, path: Path) -> None:
        """Nothing is to be done."""

    def drop(self, path: Path) -> None:
        """Remove a file or a folder; nothing where there is none."""
        remove(path)

    def holds(self, path: Path) -> bool:
        """Whether there is such a file."""
        return path.exists()

    def within(self, folder: Path) -> list[Path]:
        """The files and folders in a folder."""
        return list(folder.iterdir()) if folder.is_dir() else []

    def size(self, path: Path) -> Size:
        """What a file or folder takes."""
        looked = [it.stat() for it in (path, *path.rglob("*")) if it.exists()]
        if not looked:
            return Size()
        written = datetime.fromtimestamp(max(it.st_mtime for it in looked), UTC)
        return Size(sum(it.st_size for it in looked if stat.S_ISREG(it.st_mode)), written)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder; nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
