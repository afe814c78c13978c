"""A file that is there whole or not at all: written in a folder beside its place, then renamed.

A process that is killed leaves that folder; who writes to the same place next removes it. Knows the file system, not
what is written.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daecore.held_folder import HeldFolder

LONGEST = 100  # bytes of a name that go into the folder's: file systems allow 255


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A block that writes a new file; at the end it takes the place of ``path``.

    If it writes none, what was there stays. Libraries that write beside what they are given do so in a folder that is
    gone in the end.

    Args:
        path: In a folder that is there.

    Raises:
        OSError: It cannot be written; what was there before stays.
    """
    folder = HeldFolder(path.parent, f".{_beginning(path.name)}.")
    written = folder.path / f"whole{_beginning(path.suffix)}"
    try:
        yield written
        if written.exists():
            os.replace(written, path)
    finally:
        folder.remove()


def _beginning(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[:LONGEST])
