"""Chunked samples: a source whose chunks are fetched when they are first needed, and mapped from then on.

What comes is compared with its digest, and kept for all processes and all later runs. Knows chunks by their numbers.
Does not know storage.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daecore.data.batch_source import BatchSource, Shape
from daecore.data.chunk_file import Kept
from daecore.data.packed_set import STORED, PackedSamples
from daecore.errors import DataError

AT_ONCE, BYTES_AT_ONCE = 8, 1 << 29  # chunks that are fetched at the same time, and what they may take together
SAID_SECONDS = 5
progress = logging.getLogger("daecore.progress")

Require = Callable[[Tensor, str], object]
"""Refuses values, which are called so in a message."""


@dataclass(frozen=True)
class Chunks:
    """The chunks of one array.

    Attributes:
        name: Of the array.
        kept: Those that are here.
        fetch: Asks for one by its number.
        ask_digests: Asks for the SHA-256 of each, uint8 ``(chunks, 32)``.
        require: Refuses values that nothing can be learnt from.
    """

    name: str
    kept: Kept
    fetch: Callable[[int], NDArray[Any]]
    ask_digests: Callable[[], NDArray[np.uint8]]
    require: Require

    def have(self, chunks: NDArray[np.int64]) -> None:
        """Fetch those of them that are not here.

        Raises:
            DataError: One cannot be fetched, is another one than was packed, or cannot be kept.
        """
        missing = self.kept.missing(chunks)
        if not missing:
            return
        _ = self._digests  # once, before threads ask
        at_once = min(AT_ONCE, len(missing), max(1, BYTES_AT_ONCE // self.kept.chunk_bytes))
        said, pool = time.monotonic(), ThreadPoolExecutor(at_once)
        try:
            for _ in pool.map(self._fetch, missing):
                if time.monotonic() - said > SAID_SECONDS:
                    said = time.monotonic()
                    progress.info("%s: %d of %d chunks are here", self.name, self.kept.here.sum(), len(self.kept.here))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()

    @cached_property
    def _digests(self) -> NDArray[np.uint8]:
        return self.ask_digests()

    def _fetch(self, chunk: int) -> None:
        values = self.fetch(chunk)
        found, expected = hashlib.sha256(values.data), self._digests[chunk].tobytes()
        if found.digest() != expected:
            raise DataError(
                f"Chunk {chunk} of {self.name} is not the one that was packed: its SHA-256 is "
                f"{found.hexdigest()[:12]}, but {expected.hex()[:12]} was expected. Nothing was kept of it. Pack the "
                "dataset again, to another place."
            )
        self.require(torch.from_numpy(values), f"samples of chunk {chunk} of {self.name}")
        self.kept.put(chunk, values)


@dataclass(frozen=True)
class Chunked(BatchSource):
    """Samples in chunks that lie elsewhere.

    Attributes:
        packed: What their dataset says of them.
        chunks: What they lie in.
    """

    sound = True  # each chunk is looked at when it comes

    packed: PackedSamples
    chunks: Chunks

    @property
    def shape(self) -> Shape:
        """Of one sample."""
        return self.packed.shape

    @property
    def dtype(self) -> torch.dtype:
        """As they are stored."""
        return STORED[self.packed.type]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the digests of all chunks."""
        return self.packed.digest

    def __len__(self) -> int:
        return self.packed.count

    def read(self, index: Tensor) -> Tensor:
        """Some of them; the chunks in which they lie are fetched, unless they are here."""
        index = index.cpu()
        self.chunks.have(np.unique(index.numpy() // self.packed.rows))
        return torch.from_numpy(self.chunks.kept.values).index_select(0, index)
