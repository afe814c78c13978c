"""Unpacking: a packed dataset is opened, and its chunks are read as `daecore.data.packing` wrote them.

Nothing that lies there is believed: an object has so many bytes at most, is unfolded into room of the right size, and
is compared with its digest. Knows names, sizes and compression. Does not know what is kept here.
"""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from daecore.data.batch_source import Held
from daecore.data.chunk_file import ChunkFile, labels_of
from daecore.data.chunk_storage import ChunkStorage
from daecore.data.chunked import Chunked, Chunks, Require
from daecore.data.durable import say_of
from daecore.data.packed_set import Header, PackedSamples, first_of
from daecore.data.packing import SAID, UNFINISHED
from daecore.data.sample_store import PARTS, Part
from daecore.data.samples import Samples, Splits
from daecore.data.tensor_rule import require_values
from daecore.errors import DataError, SamplesError

KEPT = "chunks"  # the folder within the data folder
FOLDED = 1 << 16  # bytes by which what cannot be compressed may grow


def read_header(storage: ChunkStorage) -> Header:
    """What a packed dataset says of itself.

    Raises:
        DataError: There is none, it cannot be reached, or what it says cannot be.
    """
    said = storage.attributes() or {}
    if SAID not in said:
        begun = "It was begun, and not finished: pack it again." if UNFINISHED in said else "`dae data pack` makes one."
        raise DataError(f"There is no packed dataset at {storage.shown}. {begun}")
    try:
        return Header.model_validate(said[SAID])
    except ValidationError as error:
        raise DataError(
            f"The packed dataset at {storage.shown} says of itself what cannot be: {first_of(error)}. Pack it again, "
            "to another place."
        ) from None


def open_packed(storage: ChunkStorage, cache: Path) -> Splits:
    """A packed dataset: its labels are fetched, its chunks when they are needed.

    Args:
        storage: Where it lies.
        cache: The data folder.

    Raises:
        DataError: There is none, it cannot be reached, or its labels are not those that were packed.
    """
    header = read_header(storage)
    folder = cache / KEPT / header.digest[:32]
    file = ChunkFile(folder / "values", header.sets)
    say_of(folder, storage.url)
    found: dict[Part, list[Samples]] = {part: [] for part in PARTS}
    for packed in header.sets:
        chunks = _chunks(storage, file, packed, partial(_require, bounded=header.bounded))
        found[packed.part].append(Samples(Chunked(packed, chunks), _labels(storage, file, packed)))
    return Splits(found["train"][0], found["validation"][0], tuple(found["test"]), header.classes, header.value_range)


def _labels(storage: ChunkStorage, file: ChunkFile, packed: PackedSamples) -> Tensor | None:
    if not packed.labels_sha256:
        return None
    labels = _chunks(storage, file, packed, lambda values, what: None, labels=True)
    labels.have(np.arange(packed.chunks))
    return torch.from_numpy(labels.kept.values)


def _chunks(
    storage: ChunkStorage, file: ChunkFile, packed: PackedSamples, require: Require, *, labels: bool = False
) -> Chunks:
    name = labels_of(packed.name) if labels else packed.name
    kept = file.kept[name]
    sha256 = packed.labels_sha256 if labels else packed.sha256
    return Chunks(
        f"{name} at {storage.shown}",
        kept,
        partial(_read_chunk, storage, name, kept.values, packed.rows),
        partial(_read_digests, storage, name, packed.chunks, sha256),
        require,
    )


def _read_chunk(storage: ChunkStorage, name: str, like: NDArray[Any], rows: int, chunk: int) -> NDArray[Any]:
    """A chunk's values, contiguous; what fills up the last one is left out."""
    place = "/".join(map(str, (chunk, *[0] * (like.ndim - 1))))
    whole = _unfold(storage, f"{name}/c/{place}", like.dtype, (rows, *like.shape[1:]))
    return whole[: min(rows, len(like) - chunk * rows)]


def _read_digests(storage: ChunkStorage, name: str, chunks: int, sha256: str) -> NDArray[np.uint8]:
    digests = _unfold(storage, f"{name}.digests/c/0/0", np.dtype(np.uint8), (chunks, 32))
    if hashlib.sha256(digests.tobytes()).hexdigest() != sha256:
        raise DataError(
            f"The digests of {name} at {storage.shown} are not those that were packed. Pack the dataset again, to "
            "another place."
        )
    return digests


def _unfold(storage: ChunkStorage, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """An object as an array; it is never given more room than the array has."""
    from numcodecs import Zstd

    whole = np.empty(shape, dtype)
    content = storage.get(name, whole.nbytes + FOLDED)
    if content is None:
        raise DataError(f"{name} is missing at {storage.shown}. Pack the dataset again, to another place.")
    try:
        Zstd().decode(content, out=whole)
    except (ValueError, RuntimeError):
        raise DataError(f"{name} at {storage.shown} is damaged. Pack the dataset again, to another place.") from None
    return whole


def _require(values: Tensor, what: str, *, bounded: bool) -> None:
    """Refuse values that nothing can be learnt from, or that leave the range that the header names."""
    try:
        require_values(Held(values), None, what)
    except SamplesError as error:
        raise DataError(str(error)) from None
    if bounded and values.dtype == torch.float32 and not 0 <= values.min() <= values.max() <= 1:
        raise DataError(f"The {what} leave the range from 0 to 1, which their header names. Pack the dataset again.")
