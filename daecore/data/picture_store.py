"""Picture store: a folder that holds the values of many pictures one after the other, and a row for each.

It is written from the beginning to the end. What was flushed counts, whatever happens to the process; that all is
there, the header says, which comes last. Knows bytes and rows. Does not know picture files; it is read by
`daecore.data.stored_pictures`.
"""

import hashlib
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from daecore.data.durable import sync, write_json
from daecore.data.picture_rows import (
    CHECKSUM,
    HEADER,
    KEPT,
    NOTES,
    PACKED,
    ROW,
    ROWS,
    VALUES,
    end_of,
    sound_rows,
    whole_files,
)
from daecore.data.value_range import TYPES, Extent
from daecore.errors import DataError

FORMAT = 4
NOTHING = Extent(TYPES[0], 255, 0, 0)  # of a file that is no picture
FLUSH_BYTES = 64 << 20  # of values, after which what was written counts
FLUSH_ROWS = 10_000
BUFFER = 1 << 20  # bytes that are handed to the system at once


class PictureWriter:
    """Pictures, one after the other into a folder; files that are none have a row without pixels.

    Args:
        folder: Where to; it is made.
        channels: Of every picture.
        keys: Of the files, 16 bytes each, in the order in which they will come.

    Attributes:
        count: How many of them, from the first on, are there already, with all their pictures.

    Raises:
        DataError: The folder cannot be written to.
    """

    def __init__(self, folder: Path, channels: int, keys: Sequence[bytes]) -> None:
        self.folder, self.channels, self._files = folder, channels, len(keys)
        rows = whole_files(sound_rows(folder, channels))
        first = rows[rows["page"] == 0]
        written = zip(
            first["key"].tolist(), first["height"].tolist(), keys, strict=False
        )  # what was bad is tried again
        alike = min(len(first), len(keys))
        self.count = next((n for n, (row, height, key) in enumerate(written) if row != key or not height), alike)
        self._rows_kept = int(first["pages"][: self.count].sum())
        self._ends = [end_of(rows[: self._rows_kept], kept, channels) for kept in range(len(VALUES))]

    def __enter__(self) -> "PictureWriter":
        self._new: list[bytes] = []
        self._notes: list[str] = []
        self._unflushed, self._failed = 0, False
        with self._writing():
            os.utime(self.folder)  # somebody uses it
            self._values = [_opened(self.folder / name, end * np.dtype(kind).itemsize)
                            for (name, kind), end in zip(VALUES, self._ends, strict=True)]  # fmt: skip
            self._rows = _opened(self.folder / ROWS, self._rows_kept * ROW.itemsize)
            self._said = (self.folder / NOTES).open("ab")
        return self

    def add(
        self,
        key: bytes,
        numbers: Tensor,
        extent: Extent,
        notes: Sequence[str] = (),
        *,
        page: int = 0,
        pages: int = 1,
    ) -> None:
        """Append a picture; those of one file come one after the other.

        Args:
            key: Of its file.
            numbers: ``(C, H, W)``, uint8, uint16 or float32: the file's own.
            extent: What they reach there.
            notes: What a user must know of it, with the name of the file.
            page: Its number among the pictures of its file, from 0.
            pages: How many these are.

        Raises:
            DataError: There is no room for it.
        """
        kept = KEPT.index(numbers.dtype)
        values = numbers.contiguous().numpy()
        with self._writing():
            self._values[kept].write(values.data)
        digest = _digest(values, VALUES[kept][1].__name__)
        self._append(key, (page, pages), kept, (values.shape[1], values.shape[2]), extent, digest, notes)
        self._ends[kept] += values.size
        self._unflushed += values.nbytes
        if self._unflushed > FLUSH_BYTES or len(self._new) > FLUSH_ROWS:
            self.flush()

    def add_bad(self, key: bytes, said: str) -> None:
        """Append a file that is no picture, with what is wrong with it."""
        self._append(key, (0, 1), 0, (0, 0), NOTHING, bytes(32), [said])

    def take_back(self) -> None:
        """Let go of what was added of a file whose pictures are not all there.

        Raises:
            DataError: The folder cannot be written to.
        """
        self.flush()
        rows = whole_files(sound_rows(self.folder, self.channels))
        self._ends = [end_of(rows, kept, self.channels) for kept in range(len(VALUES))]
        with self._writing():
            for file, (_, kind), end in zip(self._values, VALUES, self._ends, strict=True):
                file.truncate(end * np.dtype(kind).itemsize)
            self._rows.truncate(len(rows) * ROW.itemsize)
        self._rows_kept = len(rows)

    def _append(
        self,
        key: bytes,
        place: tuple[int, int],
        kept: int,
        size: tuple[int, int],
        extent: Extent,
        digest: bytes,
        notes: Sequence[str],
    ) -> None:
        reached = (TYPES.index(extent.kind), extent.white, extent.low, extent.high)
        row = PACKED.pack(key, *place, self._ends[kept], *size, kept, *reached, digest)
        self._new.append(row + CHECKSUM.pack(zlib.crc32(row)))
        self._notes += [f"{key.hex()} {' '.join(note.split())}\n" for note in notes]

    def flush(self) -> None:
        """From now on what was added counts, whatever happens: values first, then their rows.

        Raises:
            DataError: There is no room for it.
        """
        with self._writing():
            for file in self._values:
                sync(file)
            self._said.write("".join(self._notes).encode(errors="surrogateescape"))
            sync(self._said)
            self._rows.write(b"".join(self._new))
            sync(self._rows)
        self._rows_kept += len(self._new)
        self._new, self._notes, self._unflushed = [], [], 0

    def finish(self) -> None:
        """Say that all pictures are there.

        Raises:
            DataError: There is no room for it.
        """
        self.flush()
        with self._writing():
            said = {"format": FORMAT, "channels": self.channels, "files": self._files, "pictures": self._rows_kept}
            write_json(self.folder / HEADER, said)

    def __exit__(self, *exception: object) -> None:
        try:
            if not self._failed:
                self.flush()
        finally:
            for file in (*self._values, self._rows, self._said):
                with suppress(OSError):  # of a full disk, which is being told already
                    file.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._failed = True
            raise no_room(self.folder, error) from None


def no_room(folder: Path, error: OSError) -> DataError:
    """Why decoded pictures cannot be written, and what to do."""
    return DataError(
        f"The decoded pictures cannot be written to {folder}: {error.strerror or error}. What is written is kept. Make "
        "room, or name another folder with DAE_DATA or --data, and run again."
    )


def _opened(path: Path, end: int) -> BinaryIO:
    """A file to append to, after so many bytes, which are there."""
    file = path.open("ab", BUFFER)
    file.truncate(end)
    return file


def _digest(values: NDArray[Any], kind: str) -> bytes:
    """SHA-256 of type, shape and values; numpy takes long to say what a type is called."""
    state = hashlib.sha256(f"{kind} {values.shape}".encode())
    state.update(values.data)
    return state.digest()
