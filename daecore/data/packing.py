"""Packing: a dataset becomes chunks in a storage, as a Zarr group that any reader of Zarr 3 reads.

An array of the group is a set of samples, its labels, or the digests of its chunks; what the dataset says of itself is
an attribute, which comes last. Knows sets and Zarr, which the extra ``chunks`` brings. `daecore.data.unpacking` reads.
"""

import hashlib
import re
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from daecore.data.chunk_file import labels_of
from daecore.data.chunk_storage import ChunkStorage
from daecore.data.chunked import AT_ONCE, Chunked
from daecore.data.packed_set import Header, PackedSamples
from daecore.data.sample_store import PARTS, Part
from daecore.data.samples import Samples, Splits
from daecore.errors import InputError

SAID, UNFINISHED = "daecore", "daecore.unfinished"  # attributes of the group
OURS = re.compile(r"(train|validation|test)-[0-9]{1,4}(\.labels)?(\.digests)?")  # arrays of the group
COMPRESSION = 3  # of Zstandard

Advance = Callable[[int, int], object]
"""Is called with how many of how many samples are packed."""


def pack(splits: Splits, storage: ChunkStorage, *, bounded: bool, replace: bool = False, advance: Advance) -> Header:
    """Write all sets of a dataset in chunks; the header comes last: it is there whole, or not at all.

    Args:
        splits: The dataset.
        storage: Where to.
        bounded: Whether all values lie in ``[0, 1]``.
        replace: Whether a packed dataset that is there may go.
        advance: Is called after each chunk.

    Returns:
        What the dataset says of itself from now on.

    Raises:
        SamplesError: The dataset cannot be packed.
        InputError: The place is taken, or holds what is to be packed.
        DataError: It cannot be written there.
    """
    require_place(storage, replace=replace)
    splits.require_values()
    tests: list[tuple[Part, Samples]] = [("test", it) for it in splits.test]
    groups = [(PARTS[0], splits.train), (PARTS[1], splits.validation), *tests]
    header = Header.of(splits, groups, bounded=bounded)
    _require_elsewhere(splits, storage)
    group, total, done = _begin(storage), sum(it.count for it in header.sets), 0
    sets = []
    for packed, (_, samples) in zip(header.sets, groups, strict=True):
        sets.append(_pack(storage, group, packed, samples, partial(_add, advance, done, total)))
        done += len(samples)
    header = header.model_copy(update={"sets": tuple(sets)})
    with storage.speaking("be written to"):
        _say(group, header.model_dump(mode="json"))
    return header


def require_place(storage: ChunkStorage, *, replace: bool) -> None:
    """Refuse a place that is taken, or that cannot be written to.

    Args:
        storage: The place.
        replace: Whether a packed dataset may go.

    Raises:
        DataError: It cannot be reached.
        InputError: Something else lies there, or a packed dataset that may not go.
    """
    if storage.url.startswith("http"):
        raise InputError(f"{storage.shown} can only be read. Name a folder, or s3://, gs:// or az://.")
    said = storage.attributes()
    if not (storage.is_empty() if said is None else {SAID, UNFINISHED} & said.keys()):
        raise InputError(f"{storage.shown} holds something that is no packed dataset. Name an empty place.")
    if said and SAID in said and not replace:
        raise InputError(f"{storage.shown} holds a packed dataset already. Name another place, or give --force.")


def _require_elsewhere(splits: Splits, storage: ChunkStorage) -> None:
    """A packed dataset cannot be packed to where it lies: its chunks would go before they are read."""
    read = [it.source.packed.model_dump(mode="json") for _, it in splits.sets if isinstance(it.source, Chunked)]
    header = (storage.attributes() or {}).get(SAID) if read else None
    there = header.get("sets") if isinstance(header, dict) else None  # whatever it is; it is about to go
    if isinstance(there, list) and any(it in there for it in read):
        raise InputError(f"{storage.shown} holds the very dataset that is to be packed. Name another place.")


def _begin(storage: ChunkStorage) -> Any:
    """The group, without what was packed there before; other arrays and attributes stay."""
    import zarr

    made = storage.made()
    with storage.speaking("be written to"):
        group = zarr.open_group(made, mode="a", zarr_format=3)
        _say(group, None)
    storage.remove([it for it in storage.within() if OURS.fullmatch(it)])
    return group


def _say(group: Any, header: dict[str, Any] | None) -> None:
    """Write the header, or that there is none yet; as long as there is none, whoever reads finds nothing."""
    others = {name: value for name, value in dict(group.attrs).items() if name not in (SAID, UNFINISHED)}
    group.attrs.put({**others, **({UNFINISHED: True} if header is None else {SAID: header})})


def _pack(
    storage: ChunkStorage, group: Any, packed: PackedSamples, samples: Samples, advance: Callable[[int], object]
) -> PackedSamples:
    """One set, with its labels."""
    shape = (packed.count, *packed.shape)

    def read(first: int, end: int) -> NDArray[Any]:
        return samples.read(torch.arange(first, end, device=samples.source.home)).cpu().contiguous().numpy()

    sha256 = _write(storage, group, packed.name, (shape, packed.type, packed.rows), read, advance)
    if samples.labels is None:
        return packed.model_copy(update={"sha256": sha256})
    labels: NDArray[Any] = samples.labels.cpu().contiguous().numpy()
    kind = (labels.shape, "int64", packed.rows)
    labels_sha256 = _write(storage, group, labels_of(packed.name), kind, lambda a, b: labels[a:b], lambda here: None)
    return packed.model_copy(update={"sha256": sha256, "labels_sha256": labels_sha256})


def _add(advance: Advance, before: int, total: int, here: int) -> None:
    advance(before + here, total)


def _write(
    storage: ChunkStorage,
    group: Any,
    name: str,
    kind: tuple[tuple[int, ...], str, int],
    read: Callable[[int, int], NDArray[Any]],
    advance: Callable[[int], object],
) -> str:
    """An array, chunk by chunk, and the digests of its chunks; gives the digest of these.

    Several chunks are on their way at the same time, and as many lie in memory.
    """
    shape, dtype, rows = kind
    array = _array(storage, group, name, shape, dtype, rows)
    digests, waiting = list[bytes](), deque[tuple[int, Future[None]]]()
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for first in range(0, shape[0], rows):
            values = read(first, min(first + rows, shape[0]))
            digests.append(hashlib.sha256(values.data).digest())
            waiting.append((first + len(values), pool.submit(_put, storage, array, first, values)))
            while len(waiting) > (AT_ONCE if first + rows < shape[0] else 0):
                behind, future = waiting.popleft()
                future.result()
                advance(behind)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    every = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
    _put(storage, _array(storage, group, f"{name}.digests", every.shape, "uint8", len(every)), 0, every)
    return hashlib.sha256(every.tobytes()).hexdigest()


def _array(storage: ChunkStorage, group: Any, name: str, shape: tuple[int, ...], dtype: str, rows: int) -> Any:
    from zarr.codecs import ZstdCodec

    with storage.speaking("be written to"):
        return group.create_array(
            name, shape=shape, dtype=dtype, chunks=(rows, *shape[1:]), compressors=ZstdCodec(level=COMPRESSION),
            config={"write_empty_chunks": True},
        )  # fmt: skip


def _put(storage: ChunkStorage, array: Any, first: int, values: NDArray[Any]) -> None:
    with storage.speaking("be written to"):
        array[first : first + len(values)] = values
