"""The files of a store by their paths in it: those of a store of its own lie there and nowhere else.

`shared.files` has the same words for a store whose files other machines see.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Kept:
    """A file or a folder in a store, as cleaning up sees it.

    Attributes:
        path: Where it lies, or would.
        bytes: What it takes.
        used: When something in it was last written.
    """

    path: Path
    bytes: int
    used: datetime


class StoreFiles(Protocol):
    """What a store does with its files; every path is one in the store's folder."""

    def bring(self, path: Path) -> Path:
        """Have the file here as others have left it, or not at all where there is none; the same path."""

    def give(self, path: Path) -> None:
        """Let others have a file as it is here."""

    def drop(self, path: Path) -> None:
        """Remove a file or a folder, here and for others; nothing where there is none."""

    def holds(self, path: Path) -> bool:
        """Whether there is such a file."""

    def within(self, folder: Path) -> list[Kept]:
        """What lies in a folder, files and folders."""


class OwnFiles:
    """The files of a store that nobody shares: they are where they are."""

    def bring(self, path: Path) -> Path:
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

    def within(self, folder: Path) -> list[Kept]:
        """What lies in a folder, files and folders."""
        return [_look(path) for path in (folder.iterdir() if folder.is_dir() else ())]


def remove(path: Path) -> None:
    """Remove a file, a link or a folder; nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _look(path: Path) -> Kept:
    files = list(_files(path))
    used = max((file.stat().st_mtime for file in (path, *files)), default=0)
    return Kept(path, sum(file.stat().st_size for file in files), datetime.fromtimestamp(used, UTC))


def _files(path: Path) -> Iterator[Path]:
    yield from (it for it in ([path] if path.is_file() else path.rglob("*")) if it.is_file())
