"""Batch source: where the samples of a set are read from, by the batch.

A source answers positions with samples as they are stored. Knows tensors, in memory or mapped from a file, and choices
among what another source holds. Does not know labels, batches or splits.
"""

import hashlib
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

Shape = tuple[int, ...]
"""The shape of one sample: ``(channels, height, width)`` of an image, ``(values,)`` of a point."""


class BatchSource(ABC):
    """Samples that are read by the batch."""

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """Of one sample."""

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """As they are stored: uint8 or float32."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """SHA-256 of all that the samples are made of: equal digests, equal samples."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, index: Tensor) -> Tensor:
        """The samples at ``index``, int64 ``(K,)``: ``(K, *shape)``, as they are stored."""

    @property
    def device(self) -> torch.device:
        """Where what is read lies."""
        return torch.device("cpu")

    @property
    def nbytes(self) -> int:
        """What all samples take, in bytes."""
        return len(self) * math.prod(self.shape) * self.dtype.itemsize

    @property
    def resident_bytes(self) -> int:
        """What of it lies in this process's memory for as long as it is there, in bytes."""
        return 0

    def select(self, index: Tensor) -> "BatchSource":
        """The samples at ``index``, int64 ``(K,)``, in that order; nothing is read."""
        return Chosen(self, index.cpu())

    def to(self, device: torch.device | str) -> "BatchSource":
        """The same for another device: in its memory if they fit into half of what is free there, else by the batch."""
        wanted = torch.device(device)
        if wanted.type == "cpu":
            return self
        if wanted.type == "cuda" and self.nbytes > torch.cuda.mem_get_info(wanted)[0] // 2:
            return Fetched(self, wanted)
        return Held(self.read(torch.arange(len(self))).to(wanted))


@dataclass(frozen=True)
class Held(BatchSource):
    """All samples in one tensor ``(N, *shape)`` in a device's memory."""

    tensor: Tensor

    @property
    def shape(self) -> Shape:
        """Of one sample."""
        return tuple(self.tensor.shape[1:])

    @property
    def dtype(self) -> torch.dtype:
        """As they are stored."""
        return self.tensor.dtype

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        return self.tensor.device

    @cached_property
    def digest(self) -> str:
        """SHA-256 of type, shape and values."""
        return digest_of(self.tensor)

    @property
    def resident_bytes(self) -> int:
        """All of it."""
        return self.nbytes

    def __len__(self) -> int:
        return len(self.tensor)

    def read(self, index: Tensor) -> Tensor:
        """Some of them, copied."""
        return self.tensor.index_select(0, index)

    def select(self, index: Tensor) -> "BatchSource":
        """Some of them, copied."""
        return Held(self.tensor[index])

    def to(self, device: torch.device | str) -> "BatchSource":
        """All of them in another device's memory."""
        return Held(self.tensor.to(device))


@dataclass(frozen=True)
class Mapped(Held):
    """All samples in one tensor that is mapped from a file: what is read comes from the system's page cache.

    Attributes:
        known_digest: Of the tensor, as `Held` has it; nothing is read for it.
    """

    known_digest: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of type, shape and values."""
        return self.known_digest

    @property
    def resident_bytes(self) -> int:
        """None: it is the page cache that holds them."""
        return 0

    def select(self, index: Tensor) -> "BatchSource":
        """Some of them; nothing is read."""
        return BatchSource.select(self, index)

    def to(self, device: torch.device | str) -> "BatchSource":
        """The same for another device."""
        return BatchSource.to(self, device)


@dataclass(frozen=True)
class Chosen(BatchSource):
    """Some samples of another source.

    Attributes:
        source: All of them.
        index: int64 ``(K,)``, positions there, on the CPU.
    """

    source: BatchSource
    index: Tensor

    @property
    def shape(self) -> Shape:
        """Of one sample."""
        return self.source.shape

    @property
    def dtype(self) -> torch.dtype:
        """As they are stored."""
        return self.source.dtype

    @property
    def device(self) -> torch.device:
        """Where what is read lies."""
        return self.source.device

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the other source's digest and the positions."""
        return hashlib.sha256(self.source.digest.encode() + self.index.numpy().tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self.index)

    def read(self, index: Tensor) -> Tensor:
        """Some of them."""
        return self.source.read(self.index[index.cpu()])

    def select(self, index: Tensor) -> "BatchSource":
        """Some of them; nothing is read."""
        return Chosen(self.source, self.index[index.cpu()])

    def to(self, device: torch.device | str) -> "BatchSource":
        """The same; what is read lies on this device."""
        return Chosen(self.source.to(device), self.index)


@dataclass(frozen=True)
class Fetched(BatchSource):
    """Samples of a source on the CPU, of which each batch is brought to another device."""

    source: BatchSource
    where: torch.device

    @property
    def device(self) -> torch.device:
        """Where each batch is brought to."""
        return self.where

    @property
    def shape(self) -> Shape:
        """Of one sample."""
        return self.source.shape

    @property
    def dtype(self) -> torch.dtype:
        """As they are stored."""
        return self.source.dtype

    @property
    def digest(self) -> str:
        """That of the other source."""
        return self.source.digest

    def __len__(self) -> int:
        return len(self.source)

    def read(self, index: Tensor) -> Tensor:
        """Some of them, on the device."""
        return self.source.read(index.cpu()).to(self.where, non_blocking=True)

    def select(self, index: Tensor) -> "BatchSource":
        """Some of them; nothing is read."""
        return Fetched(self.source.select(index.cpu()), self.where)

    def to(self, device: torch.device | str) -> "BatchSource":
        """The same; what is read lies on another device."""
        return self.source.to(device)


def digest_of(data: Tensor, labels: Tensor | None = None) -> str:
    """SHA-256 of type, shape, values and labels."""
    state = hashlib.sha256(f"{data.dtype}{tuple(data.shape)}".encode())
    for part in (data, labels):
        if part is not None:
            state.update(part.cpu().contiguous().numpy().data)
    return state.hexdigest()
