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
from daecore.data.image_listing import OTHER, Found, Identity, Listed, identity, identity_of

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
    search.walk(str(folder))
    listed = sorted(search.listed, key=lambda it: it.name.replace("/", "\0"))  # as paths are sorted: part by part
    found = Found(tuple(listed), tuple(search.left_out), tuple(search.others))
    if memory is not None:
        memory[folder] = found
    return found


_memory: ContextVar[dict[Path, Found] | None] = ContextVar("searches", default=None)


@contextmanager
def remember_searches(memory: dict[Path, Found] | None = None) -> Iterator[None]:
    """Within it each folder is searched once, and what was found is taken for what is there.

    For whoever asks several times about one state of a folder.

    Args:
        memory: What was found, by folder; it is filled. None: that of a block around, or else one for the block.
    """
    around = _memory.get()
    before = _memory.set(memory if memory is not None else around if around is not None else {})
    try:
        yield
    finally:
        _memory.reset(before)


class _Search:
    """A search that goes on: what was seen, and what was found. Paths are text here: there may be millions."""

    def __init__(self, root: Path, seen: set[Identity | None], skip: Identity | None) -> None:
        self.root, self.above = root, os.path.join(root, "")
        self.seen = seen
        self.skip = skip
        self.listed: list[Listed] = []
        self.left_out: list[str] = []
        self.others: list[str] = []

    def walk(self, folder: str) -> None:
        """Everything under its own name first, then what links lead to."""
        links, waiting = list[str](), [folder]
        while waiting or links:
            if not waiting:
                waiting += self._enter(links.pop(0))
                continue
            inside = waiting.pop()
            beginning = os.path.join(inside, "")
            names, linked = self._entries(inside)
            for name in names:
                path = beginning + name
                if name.startswith("."):
                    self.left_out.append(DOT)
                elif name in linked:
                    links.append(path)
                else:
                    waiting += self._enter(path)

    def _enter(self, path: str) -> Iterable[str]:
        """The folder that lies there, or that a link leads to, if it is a new one; a file is taken."""
        try:
            status = os.stat(path)
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

    def _file(self, path: str, status: os.stat_result) -> None:
        if path[path.rfind(".") :].lower() not in SUFFIXES:
            self.left_out.append(OTHER)
            self.others.append(os.path.splitext(path)[1].lower() or os.path.basename(path))
        elif self._new(status):
            name = path.removeprefix(self.above).replace(os.sep, "/")
            self.listed.append(Listed.looking(self.root, name, status))

    def _new(self, status: os.stat_result) -> bool:
        found = identity_of(status)
        new = found not in self.seen and found != self.skip
        self.left_out += [] if new or found == self.skip else [TWICE]
        self.seen.add(found)
        return new

    def _entries(self, folder: str) -> tuple[list[str], set[str]]:
        """Names, sorted, and which of them are links."""
        names, linked = list[str](), set[str]()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    names.append(entry.name)
                    if _is_link(entry):
                        linked.add(entry.name)
        except OSError:
            self.left_out.append(CLOSED)
        return sorted(names), linked


def _is_link(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink()
    except OSError:  # of some file systems, which tell the kind only when they are asked again
        return False
