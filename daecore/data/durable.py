"""Durable writing: what is said to be written is on the disk, whole, also after a power cut.

Knows files. Does not know what they hold; who writes says what a full disk means.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from daecore.whole_file import whole_file

OF = "of.txt"  # in a folder of the data folder: what it was made of


def sync(file: IO[Any]) -> None:
    """Have all that was written to an open file on the disk.

    Raises:
        OSError: There is no room for it.
    """
    file.flush()
    os.fsync(file.fileno())


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, whole or not at all.

    Raises:
        OSError: There is no room for it.
    """
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        json.dump(value, file)
        sync(file)


def say_of(folder: Path, what: str) -> None:
    """Note in a folder what it was made of, for people; where that cannot be written, nothing is lost."""
    with suppress(OSError, ValueError):
        if not (folder / OF).exists():
            (folder / OF).write_text(what, encoding="utf-8", errors="replace")
