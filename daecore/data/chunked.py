"""Chunked samples: a source whose chunks are fetched when they are first needed, and mapped from then on.

A chunk lies in a file of the data folder once it was fetched and its digest compared: for all processes, and for all
later runs. Knows that file. Does not know storage: it asks for a chunk by its number.
"""

import hashlib
import logging
import os
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from daecore.data.batch_source import BatchSource, Held, Shape
from daecore.data.mapping import map_file
from daecore.data.packed_set import PackedSamples
from daecore.data.tensor_rule import require_values
from daecore.errors import DataError, SamplesError

AT_ONCE = 8  # chunks that are fetched at the same time
SAID_SECONDS = 5
progress = logging.getLogger("daecore.progress")

Fetch = Callable[[int, int], NDArray[Any]]
"""The samples from the first position to the one before the second."""


@dataclass(frozen=True)
class Chunked(BatchSource):
    """Samples in chunks that lie elsewhere.

    Attributes:
        told: What their dataset says of them.
        fetch: Asks for some of them.
        kept: The file in which they lie once they are here.
    """

    sound = True  # each chunk is looked at when it comes

    told: PackedSamples
    fetch: Fetch
    kept: "ChunkFile"

    @property
    def shape(self) -> Shape:
        """Of one sample."""
        return self.told.shape

    @property
    def dtype(self) -> torch.dtype:
        """As they are stored."""
        return torch.uint8 if self.told.type == "uint8" else torch.float32

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the digests of all chunks."""
        return self.told.digest

    def __len__(self) -> int:
        return self.told.count

    def read(self, index: Tensor) -> Tensor:
        """Some of them; the chunks in which they lie are fetched, unless they are here."""
        index = index.cpu()
        missing = self.kept.missing(np.unique(index.numpy() // self.told.rows))
        if missing:
            self._fetch_all(missing)
        return self.kept.values.index_select(0, index)

    def _fetch_all(self, chunks: list[int]) -> None:
        said = time.monotonic()
        pool = ThreadPoolExecutor(min(AT_ONCE, len(chunks)))
        try:
            for done, _ in enumerate(pool.map(self._fetch_one, chunks), 1):
                if time.monotonic() - said > SAID_SECONDS:
                    said = time.monotonic()
                    progress.info("%s: %d of %d chunks are here", self.told.name, done, len(chunks))
        finally:
            pool.shutdown(cancel_futures=True)

    def _fetch_one(self, chunk: int) -> None:
        values = np.ascontiguousarray(self.fetch(*self.told.span(chunk)))
        found, expected = hashlib.sha256(values.data).hexdigest(), self.told.sha256[chunk]
        if found != expected:
            raise DataError(
                f"Chunk {chunk} of {self.told.name} is not the one that was packed: its SHA-256 is {found[:12]}, but "
                f"{expected[:12]} was expected. Nothing was kept of it. Pack the dataset again."
            )
        try:
            require_values(Held(torch.from_numpy(values)), None, f"samples of chunk {chunk} of {self.told.name}")
        except SamplesError as error:
            raise DataError(str(error)) from None
        self.kept.put(chunk, values)


class ChunkFile:
    """Samples in a file that is as long as all of them, and has holes where some are not here yet.

    Beside it lies a byte for each chunk: 1 where it is here, which is written when its values are on the disk.
    Processes may put the same chunk at the same time: it is the same.

    Args:
        path: Of the values; it is made.
        told: What they are.

    Attributes:
        values: All samples, ``(N, *shape)``, mapped; zeros where they are not here.

    Raises:
        DataError: The file cannot be made.
    """

    def __init__(self, path: Path, told: PackedSamples) -> None:
        self.path, self._rows, self._row_bytes = path, told.rows, told.sample_bytes
        beside, chunks, size = path.with_suffix(".here"), len(told.sha256), told.count * told.sample_bytes
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):
                if [it.stat().st_size for it in (path, beside) if it.exists()] != [size, chunks]:
                    beside.write_bytes(bytes(chunks))
                    with path.open("ab") as file:
                        file.truncate(0)
                        file.truncate(size)
            os.utime(path.parent)  # somebody uses it
            self._here = map_file(beside, np.uint8, (chunks,), shared=True)
            self.values = torch.from_numpy(map_file(path, told.type, (told.count, *told.shape), shared=True))
            self._file, self._flags = (self._open(it) for it in (path, beside))
        except OSError as error:
            raise self._no_room(error) from None

    def missing(self, chunks: NDArray[np.int64]) -> list[int]:
        """Those of them that are not here."""
        return [int(it) for it in chunks[self._here[chunks] == 0]]

    def put(self, chunk: int, values: NDArray[Any]) -> None:
        """Keep a chunk.

        Raises:
            DataError: There is no room for it.
        """
        try:
            rest, place = values.data.cast("B"), chunk * self._rows * self._row_bytes
            while rest:
                written = os.pwrite(self._file, rest, place)
                rest, place = rest[written:], place + written
            os.fsync(self._file)
            os.pwrite(self._flags, b"\1", chunk)
        except OSError as error:
            raise self._no_room(error) from None

    def _open(self, path: Path) -> int:
        """The file's number, which is good for as long as this is: its name may go before."""
        opened = os.open(path, os.O_RDWR)
        weakref.finalize(self, os.close, opened)
        return opened

    def _no_room(self, error: OSError) -> DataError:
        return DataError(
            f"Chunks cannot be kept in {self.path.parent}: {error.strerror or error}. Those that are here stay. Make "
            "room, or name another folder with DAE_DATA or --data, and run again."
        )
