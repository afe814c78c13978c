"""Image search: which files of a folder are pictures, by their names, and what is left out.

Knows names and links. Does not read files.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from daecore.data.image_file import SUFFIXES
from daecore.data.image_listing import OTHER, Found, Identity, Listed, identity

DOT, TWICE = "with a dot in front", "the same file or folder again, by a link"
NOWHERE, CLOSED, DEVICE = "a link that leads nowhere", "a folder that cannot be opened", "a device or pipe"
UNREAD = "a file, folder or link that may not be read"
LEADS_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def find_images(folder: Path, *, skip: Path | None = None) -> Found:
    """Search a folder and its subfolders for picture files.

    Names with a dot in front are no pictures: systems leave thumbnails and halves of files there. Links are
    followed, but for those to a folder above; what is reached twice counts once, under its own name if it has one.

    Args:
        folder: Where to search.
        skip: A folder that is not searched, nor spoken of.
    """
    memory = None if skip else _memory.get()
    if memory is not None and folder in memory:
        return memory[folder]
    above = {identity(path) for path in (folder, *folder.resolve().parents)}
    search = _Search(folder, above, identity(skip) if skip else None)
    search.walk(folder)
    listed = sorted(search.listed, key=lambda it: it.path)
    found = Found(tuple(listed), tuple(search.left_out), tuple(search.others))
    if memory is not None:
        memory[folder] = found
    return found


_memory: ContextVar[dict[Path, Found] | None] = ContextVar("searches", default=None)


@contextmanager
def remember_searches(memory: dict[Path, Found]) -> Iterator[None]:
    """Within it each folder is searched once, and what was found is taken for what is there.

    For whoever asks several times about one state of a folder.

    Args:
        memory: What was found, by folder; it is filled.
    """
    before = _memory.set(memory)
    try:
        yield
    finally:
        _memory.reset(before)


class _Search:
    """A search that goes on: what was seen, by device and inode, and what was found."""

    def __init__(self, root: Path, seen: set[Identity | None], skip: Identity | None) -> None:
        self.root = root
        self.seen = seen
        self.skip = skip
        self.listed: list[Listed] = []
        self.left_out: list[str] = []
        self.others: list[str] = []

    def walk(self, folder: Path) -> None:
        """Everything under its own name first, then what links lead to."""
        links, waiting = list[Path](), [folder]
        while waiting or links:
            if not waiting:
                waiting += self._enter(links.pop(0))
                continue
            for entry in self._entries(waiting.pop()):
                path = Path(entry.path)
                if entry.name.startswith("."):
                    self.left_out.append(DOT)
                elif os.path.islink(path):  # which, unlike the entry, never raises
                    links.append(path)
                else:
                    waiting += self._enter(path)

    def _enter(self, path: Path) -> Iterable[Path]:
        """The folder that lies there, or that a link leads to, if it is a new one; a file is taken."""
        try:
            status = path.stat()
        except OSError as error:
            self.left_out.append(NOWHERE if error.errno in LEADS_NOWHERE else UNREAD)
            return ()
        if stat.S_ISDIR(status.st_mode):
            return [path] if self._new(status) else []
        if stat.S_ISREG(status.st_mode):
            self._file(path, status)
        else:
            self.left_out.append(DEVICE)
        return ()

    def _file(self, path: Path, status: os.stat_result) -> None:
        if path.suffix.lower() not in SUFFIXES:
            self.left_out.append(OTHER)
            self.others.append(path.suffix.lower() or path.name)
        elif self._new(status):
            name = path.relative_to(self.root).as_posix()
            self.listed.append(Listed.looking(path, name, status))

    def _new(self, status: os.stat_result) -> bool:
        found = status.st_dev, status.st_ino
        new = found not in self.seen and found != self.skip
        self.left_out += [] if new or found == self.skip else [TWICE]
        self.seen.add(found)
        return new

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError:
            self.left_out.append(CLOSED)
            return []
