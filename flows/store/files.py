"""Files: digests, and writing whole or not at all."""

import hashlib
from pathlib import Path


def file_digest(path: Path) -> str:
    """SHA-256 of a file, or an empty string where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def path_inside(root: Path, path: Path) -> Path:
    """A path in a folder, as it was given; what records say of paths may be anybody's.

    Args:
        root: The folder.
        path: Absolute.

    Raises:
        StoreError: It leads elsewhere, by its name: whoever puts links into the folder is its user.
    """
    if not path.is_relative_to(root) or ".." in path.parts or "\0" in str(path):
        from daecore.errors import StoreError, quote

        raise StoreError(
            f"A record names the file {quote(str(path))}, which is not in the store {root}. It is not touched: "
            "somebody has changed the record."
        )
    return path


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; others may read it where they may read its folder.

    What is there and no file, as a pipe or ``/dev/null``, is written into.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    from daecore.whole_file import whole_file

    with whole_file(path) as temporary:
        temporary.write_bytes(data)
        temporary.chmod(0o644 & path.parent.stat().st_mode)
