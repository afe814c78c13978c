"""A file in the store, by relative path and content."""

from pathlib import Path

from daecore.record import Record

from .files import file_digest
from .store import Store


class FileRef(Record):
    """A file in the store by relative path and content, so that a store can be moved."""

    path: str
    sha256: str

    def intact(self, store: Store) -> bool:
        """Whether the file is there and holds what was written."""
        return file_digest(store.root / self.path) == self.sha256

    def absolute(self, store: Store) -> Path:
        """Where it lies now."""
        return store.root / self.path


def file_ref(store: Store, path: Path) -> FileRef:
    """The reference to a file inside the store."""
    return FileRef(path=str(path.relative_to(store.root)), sha256=file_digest(path))
