"""A file in the store, by relative path and content."""

from pathlib import Path

from pydantic import field_validator

from daecore.record import Record

from .files import file_digest, path_inside
from .store import Store

LONGEST_NAME, LONGEST_PATH = 255, 2000  # bytes of a part; characters of all


class FileRef(Record):
    """A file in the store by relative path and content, so that a store can be moved."""

    path: str
    sha256: str

    @field_validator("path")
    @classmethod
    def _can_be_named(cls, path: str) -> str:
        """Refuse what no system takes as a name: to look for it there would raise, and not say that it is missing."""
        parts = path.encode(errors="surrogatepass").split(b"/")
        if max(map(len, parts)) > LONGEST_NAME or len(path) > LONGEST_PATH:
            raise ValueError("it is longer than any name of a file")
        return path

    def intact(self, store: Store) -> bool:
        """Whether the file is there and holds what was written; in a shared store it is brought here for that.

        Raises:
            DataError: The storage of a shared store cannot be reached.
        """
        path = path_inside(store.root, store.root / self.path)
        return file_digest(path) == self.sha256 or file_digest(store.files.bring(path)) == self.sha256

    def absolute(self, store: Store) -> Path:
        """Where it lies now; in a shared store it is brought here unless this very file is here.

        Raises:
            DataError: The storage of a shared store cannot be reached.
        """
        path = path_inside(store.root, store.root / self.path)
        if store.shared is not None and file_digest(path) != self.sha256:
            store.files.bring(path)
        return path


def file_ref(store: Store, path: Path) -> FileRef:
    """The reference to a file inside the store, which others may have from now on."""
    store.files.give(path)
    return FileRef(path=str(path.relative_to(store.root)), sha256=file_digest(path))
