"""Packing: a dataset becomes chunks in a storage, and is opened from there.

Knows sets, their chunks and labels. The storage is `daecore.data.chunk_storage`'s affair, and what was fetched
`daecore.data.chunked`'s.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from daecore.data.chunk_storage import ChunkStorage
from daecore.data.chunked import AT_ONCE, Chunked, ChunkFile
from daecore.data.durable import say_of
from daecore.data.packed_set import Header, PackedSamples
from daecore.data.sample_store import PARTS, Part
from daecore.data.samples import Samples, Splits
from daecore.errors import DataError

KEPT = "chunks"  # the folder within the data folder
CHUNK_BYTES = 4 << 20  # of values: small enough that a first batch comes soon, large enough to be worth a request

Told = Callable[[int, int], object]
"""Is told how many of how many samples are packed."""


def pack(splits: Splits, storage: ChunkStorage, *, bounded: bool, replace: bool = False, told: Told) -> Header:
    """Write all sets of a dataset in chunks; the header comes last: it is there whole, or not at all.

    Args:
        splits: The dataset.
        storage: Where to.
        bounded: Whether all values lie in ``[0, 1]``.
        replace: Whether a dataset that is there already may go.
        told: Is called after each chunk.

    Returns:
        What the dataset says of itself from now on.

    Raises:
        InputError: Something else lies there.
        DataError: It cannot be written there.
    """
    groups: list[tuple[Part, tuple[Samples, ...]]] = [
        *zip(PARTS, ((splits.train,), (splits.validation,), splits.test), strict=True)
    ]
    total, done = sum(len(samples) for _, some in groups for samples in some), 0
    storage.begin(replace=replace)
    packed: list[PackedSamples] = []
    for part, some in groups:
        for number, samples in enumerate(some):
            count = partial(lambda before, here: told(before + here, total), done)
            packed.append(_pack(storage, part, f"{part}-{number}", samples, count))
            done += len(samples)
    header = Header(classes=splits.classes, bounded=bounded, sets=tuple(packed))
    storage.finish(header)
    return header


def open_packed(storage: ChunkStorage, cache: Path) -> Splits:
    """A packed dataset: its labels are fetched, its chunks when they are needed.

    Args:
        storage: Where it lies.
        cache: The data folder.

    Raises:
        DataError: There is none, it cannot be reached, or its labels are not those that were packed.
    """
    header = storage.header()
    folder = cache / KEPT / header.digest[:32]
    found: dict[Part, list[Samples]] = {part: [] for part in PARTS}
    for told in header.sets:
        fetch = partial(storage.read, storage.open(told))
        source = Chunked(told, fetch, ChunkFile(folder / f"{told.name}.values", told))
        found[told.part].append(Samples(source, _labels(storage, told) if told.labels_sha256 else None))
    say_of(folder, storage.url)
    return Splits(found["train"][0], found["validation"][0], tuple(found["test"]), header.classes)


def _pack(
    storage: ChunkStorage, part: Part, name: str, samples: Samples, told: Callable[[int], object]
) -> PackedSamples:
    """One set; several chunks are on their way at the same time, and as many lie in memory."""
    kind = str(samples.source.dtype).removeprefix("torch.")
    rows = min(len(samples), max(1, CHUNK_BYTES // (samples.source.nbytes // len(samples))))
    array = storage.array(name, (len(samples), *samples.shape), kind, rows)
    digests, waiting = list[str](), deque[tuple[int, Future[None]]]()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for index in torch.arange(len(samples)).split(rows):
            values = samples.read(index).cpu().contiguous().numpy()
            digests.append(hashlib.sha256(values.data).hexdigest())
            first = int(index[0])
            waiting.append((first + len(values), pool.submit(storage.write, array, first, values)))
            while len(waiting) > AT_ONCE:
                _wait(waiting, told)
        while waiting:
            _wait(waiting, told)
    return PackedSamples(
        part=part,
        name=name,
        shape=samples.shape,
        type=kind,
        count=len(samples),
        rows=rows,
        sha256=tuple(digests),
        labels_sha256=_pack_labels(storage, name, samples),
    )


def _wait(waiting: deque[tuple[int, Future[None]]], told: Callable[[int], object]) -> None:
    behind, future = waiting.popleft()
    future.result()
    told(behind)


def _pack_labels(storage: ChunkStorage, name: str, samples: Samples) -> str:
    if samples.labels is None:
        return ""
    labels: Any = samples.labels.cpu().contiguous().numpy()
    storage.write(storage.array(f"{name}.labels", labels.shape, "int64", len(labels)), 0, labels)
    return hashlib.sha256(labels.data).hexdigest()


def _labels(storage: ChunkStorage, told: PackedSamples) -> torch.Tensor:
    labels = storage.labels(told)
    if hashlib.sha256(labels.data).hexdigest() != told.labels_sha256:
        raise DataError(
            f"The labels of {told.name} at {storage.url} are not those that were packed. Pack the dataset again."
        )
    return torch.from_numpy(labels)
