"""Stored pictures: what a `daecore.data.picture_store` holds, mapped.

Knows rows, values and notes. Does not write, nor know where pictures came from.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daecore.data.mapping import map_file
from daecore.data.picture_rows import (
    HEADER,
    NOTES,
    ROW,
    ROWS,
    VALUES,
    are_inside,
    end_of,
    extent_of_row,
    sound_rows,
    whole_files,
)
from daecore.data.picture_store import FORMAT
from daecore.data.pictures import Pictures
from daecore.data.value_range import Extent
from daecore.errors import DataError
from daecore.json_text import parse_json

Notes = Mapping[bytes, list[str]]
"""What a user must know of pictures, by the keys of their files."""


@dataclass(frozen=True)
class Stored:
    """One picture that a file gave.

    Attributes:
        numbers: ``(C, H, W)``, mapped.
        extent: What they reach in the file.
        notes: What a user must know of it.
    """

    numbers: Tensor
    extent: Extent
    notes: tuple[str, ...]


def is_finished(folder: Path, files: int, channels: int) -> bool:
    """Whether a folder holds all that it was made for, and the values are there."""
    try:
        count = _count(folder, files, channels)
        rows = map_file(folder / ROWS, ROW, (count,))
        held = [(folder / name).stat().st_size // np.dtype(kind).itemsize for name, kind in VALUES]
    except (OSError, ValueError):
        return False
    return int((rows["page"] == 0).sum()) == files and bool(are_inside(rows, held, channels).all())


def _count(folder: Path, files: int, channels: int) -> int:
    """How many pictures there are.

    Raises:
        OSError: The folder was removed.
        ValueError: It is not finished, or holds something else.
    """
    header = parse_json((folder / HEADER).read_bytes())
    count = header.get("pictures") if isinstance(header, dict) else None
    said = {"format": FORMAT, "channels": channels, "files": files, "pictures": count}
    if not isinstance(count, int) or count < files or header != said:
        raise ValueError("its header says something else")
    return count


def open_pictures(folder: Path, files: int, channels: int) -> tuple[Pictures, Notes]:
    """What a finished folder holds, mapped; files that were no pictures have rows without height.

    Raises:
        DataError: It was removed meanwhile.
    """
    with suppress(OSError):  # of who may only read
        os.utime(folder)  # it was used
    try:
        rows = map_file(folder / ROWS, ROW, (_count(folder, files, channels),))
        return _pictures(folder, rows, channels), _notes(folder)
    except (OSError, ValueError) as error:
        raise DataError(
            f"What was decoded into {folder} cannot be read: {error}. Run again when nobody cleans up there."
        ) from None


def known_pictures(parent: Path, keys: set[bytes], channels: int, *, besides: Path) -> dict[bytes, list[Stored]]:
    """What other folders hold of files with these keys: all pictures of each.

    Args:
        parent: The folder of all folders.
        keys: Of files.
        channels: Of every picture.
        besides: The folder that is not looked into.
    """
    found: dict[bytes, list[Stored]] = {}
    for folder in sorted(parent.glob("[!.]*")):
        if folder == besides:
            continue
        rows = whole_files(sound_rows(folder, channels))
        known = set(found)
        wanted = [n for n, key in enumerate(rows["key"].tolist()) if key in keys and key not in known]
        with suppress(OSError, ValueError):  # it was removed meanwhile
            pictures, notes = (_pictures(folder, rows, channels), _notes(folder)) if wanted else (None, {})
            for n in wanted:
                key = rows["key"][n].tobytes()
                if pictures is not None and rows["height"][n]:
                    some = tuple(notes.get(key, ())) if not rows["page"][n] else ()
                    it = Stored(pictures.own_numbers(n), extent_of_row(rows[n]), some)
                    found.setdefault(key, []).append(it)
    return found


def _pictures(folder: Path, rows: NDArray[np.void], channels: int) -> Pictures:
    numbers = tuple(
        torch.from_numpy(map_file(folder / name, kind, (end_of(rows, kept, channels),)))
        for kept, (name, kind) in enumerate(VALUES)
    )
    return Pictures(rows, numbers, channels)


def _notes(folder: Path) -> Notes:
    """In the order in which they were written; a line that was cut is none."""
    found: dict[bytes, dict[str, None]] = {}
    text = (folder / NOTES).read_text(encoding="utf-8", errors="surrogateescape")
    for line in text.split("\n"):
        key, _, note = line.partition(" ")
        with suppress(ValueError):
            if note:
                found.setdefault(bytes.fromhex(key), {})[note] = None
    return {key: [*notes] for key, notes in found.items()}
