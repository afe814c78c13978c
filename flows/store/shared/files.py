"""The files of a shared store: each machine has those it uses in its own folder, under the names they have for all.

What lies here is a copy. Whoever reads one knows its digest, or has it brought anew.
"""

from dataclasses import dataclass
from pathlib import Path

from daecore.object_storage import ObjectStorage
from daecore.whole_file import whole_file

from ..files import path_inside
from ..own_files import Size, remove
from .advisory_lock import require_held


@dataclass(frozen=True)
class SharedFiles:
    """Files that other machines see.

    Every method raises `DataError` where the storage cannot be reached. Those that change something raise `StoreError`
    where a lock was lost with the database.

    Attributes:
        root: The store's folder on this machine.
        objects: Where all machines find them.
    """

    root: Path
    objects: ObjectStorage

    def bring(self, path: Path) -> Path:
        """Have the file here as others have left it, or not at all where there is none; the same path."""
        return self._bring(path)

    def bring_newer(self, path: Path) -> Path:
        """The same, but where the one here was written later."""
        theirs = self.objects.find(self._name(path))
        if theirs is not None and path.is_file() and path.stat().st_mtime > theirs.written.timestamp():
            return path
        return self._bring(path, None if theirs is None else theirs.bytes)

    def _bring(self, path: Path, size: int | None = None) -> Path:
        name = self._name(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            is_there = self.objects.download(name, temporary, size)
        if not is_there:
            path.unlink(missing_ok=True)
        return path

    def give(self, path: Path) -> None:
        """Let others have a file as it is here."""
        require_held()
        self.objects.put(self._name(path), path)

    def drop(self, path: Path) -> None:
        """Remove a file or a folder, here and for others; nothing where there is none."""
        require_held()
        self.objects.delete(self._name(path))
        self.objects.remove([self._name(path)])
        remove(path)

    def holds(self, path: Path) -> bool:
        """Whether there is such a file."""
        return self.objects.find(self._name(path)) is not None

    def within(self, folder: Path) -> list[Path]:
        """The files and folders in a folder."""
        return [folder / name for name in self.objects.within(self._name(folder))]

    def size(self, path: Path) -> Size:
        """What a file or folder takes."""
        name = self._name(path)
        itself = self.objects.find(name)
        found = [itself] if itself is not None else list(self.objects.entries(name))
        return Size(sum(it.bytes for it in found), max(it.written for it in found)) if found else Size()

    def _name(self, path: Path) -> str:
        return path_inside(self.root, path).relative_to(self.root).as_posix()
