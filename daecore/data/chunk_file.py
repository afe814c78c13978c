"""Chunk file: what was fetched of a packed dataset, in one file that is as long as all of it, with holes for the rest.

Behind the values of all sets lies a byte for each chunk: 1 where it is here, written when its values are on the disk.
So whatever kills a process, or cuts a file, what is read was put there whole. Knows bytes and their places. Does not
know where chunks come from.
"""

import math
import os
import weakref
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from daecore.data.mapping import map_file
from daecore.data.packed_set import PackedSamples
from daecore.errors import DataError

ALIGNED = 64  # bytes at whose multiples arrays begin


@dataclass(frozen=True)
class Kept:
    """One array of the file.

    Attributes:
        values: All rows, mapped; zeros where they are not here.
        here: A byte for each chunk, mapped.
        rows: How many a chunk has.
        file: Where they lie.
        begin: Where the values begin there.
        flags: Where the bytes of the chunks begin.
    """

    values: NDArray[Any]
    here: NDArray[np.uint8]
    rows: int
    file: "ChunkFile"
    begin: int
    flags: int

    @property
    def chunk_bytes(self) -> int:
        """What a whole chunk takes."""
        return self.rows * self.values.itemsize * math.prod(self.values.shape[1:])

    def missing(self, chunks: NDArray[np.int64]) -> list[int]:
        """Those of them that are not here."""
        return [int(it) for it in chunks[self.here[chunks] == 0]]

    def put(self, chunk: int, values: NDArray[Any]) -> None:
        """Keep a chunk. Processes may put the same one at the same time: it is the same.

        Raises:
            DataError: There is no room for it.
        """
        self.file.write(values.data.cast("B"), self.begin + chunk * self.chunk_bytes, self.flags + chunk)


class ChunkFile:
    """The file of a packed dataset.

    Args:
        path: It is made if need be.
        sets: All sets of the dataset.

    Attributes:
        kept: The arrays: of each set its values, and its labels if it has some.

    Raises:
        DataError: The file cannot be made.
    """

    def __init__(self, path: Path, sets: tuple[PackedSamples, ...]) -> None:
        arrays = [it for one in sets for it in _arrays(one)]
        *begins, end = accumulate((-(-it.nbytes // ALIGNED) * ALIGNED for it in arrays), initial=0)
        *flags, size = accumulate((it.chunks for it in arrays), initial=end)
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(OSError):  # of who may only read
                os.utime(path.parent)  # somebody uses it
            self._number, mapped = self._open(size)
        except OSError as error:
            raise self._no_room(error) from None
        self.kept: dict[str, Kept] = {}
        for it, begin, flag in zip(arrays, begins, flags, strict=True):
            values = mapped[begin : begin + it.nbytes].view(it.dtype).reshape(it.shape)
            self.kept[it.name] = Kept(values, mapped[flag : flag + it.chunks], it.rows, self, begin, flag)

    def write(self, content: memoryview, place: int, flag: int) -> None:
        """Write some values; the byte that says so comes when they are on the disk.

        Raises:
            DataError: There is no room for them.
        """
        try:
            while content:
                written = os.pwrite(self._number, content, place)
                content, place = content[written:], place + written
            os.fsync(self._number)
            os.pwrite(self._number, b"\1", flag)
        except OSError as error:
            raise self._no_room(error) from None

    def _open(self, size: int) -> tuple[int, NDArray[np.uint8]]:
        """The open file, good for as long as this is, whatever becomes of its name; and its bytes, mapped."""
        try:
            with FileLock(self.path.with_suffix(".lock")):
                if not self.path.exists() or self.path.stat().st_size != size:
                    self.path.unlink(missing_ok=True)  # who has the old one open keeps it
                    with self.path.open("xb") as file:
                        file.truncate(size)
                return self._opened(os.O_RDWR, size)
        except OSError:
            if not self.path.exists() or self.path.stat().st_size != size or os.access(self.path, os.W_OK):
                raise
            return self._opened(os.O_RDONLY, size)  # all that is needed may be here

    def _opened(self, mode: int, size: int) -> tuple[int, NDArray[np.uint8]]:
        number = os.open(self.path, mode)
        weakref.finalize(self, os.close, number)
        return number, map_file(number, np.uint8, (size,))

    def _no_room(self, error: OSError) -> DataError:
        return DataError(
            f"Chunks cannot be kept in {self.path.parent}: {error.strerror or error}. Those that are here stay. Make "
            "room, or name another folder with DAE_DATA or --data, and run again."
        )


class _Array(NamedTuple):
    """What an array of the file is."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    rows: int
    chunks: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def _arrays(samples: PackedSamples) -> list[_Array]:
    """A set's values, and its labels."""
    values = _Array(samples.name, samples.type, (samples.count, *samples.shape), samples.rows, samples.chunks)
    labels = _Array(labels_of(samples.name), "int64", (samples.count,), samples.rows, samples.chunks)
    return [values, labels] if samples.labels_sha256 else [values]


def labels_of(name: str) -> str:
    """What the labels of a set are called."""
    return f"{name}.labels"
