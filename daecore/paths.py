"""Paths that users write: where they lead, or one sentence why they lead nowhere.

Knows the file system. Does not know what a path is for, and opens nothing.
"""

import os
from contextlib import suppress
from pathlib import Path

from daecore.errors import InputError, in_a_line, quote


def user_path(text: str | os.PathLike[str], what: str) -> Path:
    """Where a path leads: absolute, ``~`` and links followed. Nothing need be there.

    Args:
        text: As the user wrote it.
        what: What it stands for, for the message, as ``image_folder.path``.

    Raises:
        InputError: No file can have this path: it names a user that is not there, goes round in a circle, is too
            long, or holds a NUL.
    """
    try:
        path = Path(text).expanduser().resolve()
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):  # nothing is there, or is to be seen
            path.stat()  # a name that is too long is noticed here
    except (RuntimeError, ValueError, OSError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(
            f"{what} is {quote(str(text))}, which is no path on this machine: {in_a_line(said).rstrip('.')}. "
            "Write another one."
        ) from None
    return path
