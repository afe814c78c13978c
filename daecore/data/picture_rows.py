"""Rows of pictures: what is known of each beside its values, as it lies in a picture store, and which rows are sound.

Whoever wrote them: a process that was killed, or somebody else. Knows bytes. Does not know values.
"""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from daecore.data.value_range import TYPES, Extent

ROWS, NOTES, HEADER = "rows.bin", "notes.txt", "header.json"
VALUES = (
    ("values.uint8", np.uint8),
    ("values.uint16", np.uint16),
    ("values.float32", np.float32),
)  # by the row's `kept`
PACKED = struct.Struct("<16siiqiiBBddd32s")  # a `ROW` without its checksum, as it lies in the file
CHECKSUM = struct.Struct("<I")
KEPT = (torch.uint8, torch.uint16, torch.float32)  # what they are kept as
ROW = np.dtype(
    [
        ("key", "V16"),
        ("page", "<i4"),
        ("pages", "<i4"),
        ("begin", "<i8"),
        ("height", "<i4"),
        ("width", "<i4"),
        ("kept", "<u1"),
        ("type", "<u1"),
        ("white", "<f8"),
        ("low", "<f8"),
        ("high", "<f8"),
        ("sha256", "<u1", 32),
        ("crc", "<u4"),
    ]
)


def sound_rows(folder: Path, channels: int) -> NDArray[np.void]:
    """The rows from the first on that were written whole, and whose values are there."""
    try:
        content = (folder / ROWS).read_bytes()
        held = [(folder / name).stat().st_size // np.dtype(kind).itemsize for name, kind in VALUES]
    except OSError:
        return np.empty(0, ROW)
    rows = np.frombuffer(content[: len(content) // ROW.itemsize * ROW.itemsize], ROW)
    there = are_inside(rows, held, channels)
    whole = (_is_whole(content[n * ROW.itemsize : (n + 1) * ROW.itemsize]) for n in range(len(rows)))
    count = next((n for n, (inside, sound) in enumerate(zip(there, whole, strict=True)) if not (inside and sound)),
                 len(rows))  # fmt: skip
    return rows[:count]


def whole_files(rows: NDArray[np.void]) -> NDArray[np.void]:
    """The rows up to the last file of which all pictures are there."""
    ends = np.flatnonzero(rows["page"] + 1 == rows["pages"])
    return rows[: int(ends[-1]) + 1 if len(ends) else 0]


def are_inside(rows: NDArray[np.void], held: Sequence[int], channels: int) -> NDArray[np.bool_]:
    """Whether each row names values that are there, whoever wrote it.

    Args:
        rows: ``(N,)`` of `ROW`.
        held: How many values of each kind there are.
        channels: Of every picture.
    """
    height, width, begin = (rows[name].astype(np.float64) for name in ("height", "width", "begin"))  # no overflow
    ends = begin + channels * height * width
    known = (rows["kept"] < len(VALUES)) & (rows["type"] < len(TYPES))
    known &= (rows["page"] >= 0) & (rows["page"] < rows["pages"])
    inside: NDArray[np.bool_] = ends <= np.asarray(held, np.float64)[np.where(known, rows["kept"], 0)]
    reached = np.isfinite(rows["low"]) & np.isfinite(rows["high"]) & (rows["white"] > 0) & np.isfinite(rows["white"])
    sound: NDArray[np.bool_] = inside & known & reached & (height >= 0) & (width >= 0) & (begin >= 0)
    return sound


def end_of(rows: NDArray[np.void], kept: int, channels: int) -> int:
    """Where the last of these pictures ends among the values of its kind."""
    own = rows[rows["kept"] == kept]
    ends: NDArray[np.int64] = own["begin"] + channels * own["height"].astype(np.int64) * own["width"]
    return int(ends.max(initial=0))


def _is_whole(row: bytes) -> bool:
    """Whether its checksum is that of all of it but its last bytes."""
    return row[-CHECKSUM.size :] == CHECKSUM.pack(zlib.crc32(row[: -CHECKSUM.size]))


def extent_of_row(row: np.void) -> Extent:
    """What the numbers of one picture reach."""
    return Extent(TYPES[row["type"]], float(row["white"]), float(row["low"]), float(row["high"]))
