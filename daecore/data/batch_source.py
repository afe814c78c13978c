"""Batch source: where the samples of a set are read from, by the batch.

A source answers positions with samples as they are stored. Knows tensors in memory, or mapped from a file, and the
contract that other sources keep. Does not know labels, batches or splits; choices and other devices are
`daecore.data.source_views`' affair.
"""

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

Shape = tuple[int, ...]
"""The shape of one sample: ``(channels, height, width)`` of an image, ``(values,)`` of a point."""

ROWS = 4096  # samples that are read at once where all of them are


class BatchSource(ABC):
    """Samples that are read by the batch.

    Attributes:
        by_value: Whether the digest is that of a tensor with the same values; else it names how samples are made.
        sound: Whether whoever made it has looked at all values already: none is NaN or infinite or beyond its range.
    """

    by_value: bool = False
    sound: bool = False

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """Of one sample."""

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """As they are stored: uint8, uint16 or float32."""

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
    def home(self) -> torch.device:
        """Where positions are looked up, and where what belongs to all samples fits, too."""
        return torch.device("cpu")

    @property
    def nbytes(self) -> int:
        """What all samples take, in bytes."""
        return len(self) * math.prod(self.shape) * self.dtype.itemsize

    @property
    def resident_bytes(self) -> int:
        """What of it lies in this process's memory for as long as it is there, in bytes."""
        return 0

    def parts(self) -> Iterator[Tensor]:
        """All samples in their order, as they are stored, some thousands at a time."""
        for index in torch.arange(len(self)).split(ROWS):
            yield self.read(index)

    def select(self, index: Tensor) -> "BatchSource":
        """The samples at ``index``, int64 ``(K,)``, in that order; nothing is read."""
        from daecore.data.source_views import Chosen  # which is a source itself

        return Chosen(self, index.cpu())

    def to(self, device: torch.device | str) -> "BatchSource":
        """The same for another device: in its memory if they fit into half of what is free there, else by the batch."""
        from daecore.data.source_views import move

        return move(self, torch.device(device))


@dataclass(frozen=True)
class Held(BatchSource):
    """All samples in one tensor ``(N, *shape)`` in a device's memory.

    Attributes:
        tensor: The samples.
        known_digest: What `digest` is, where the tensor was read from another source; else it is found by looking.
        by_value: Whether that is the digest of the tensor's values.
        sound: Whether somebody has looked at all values already.
    """

    tensor: Tensor
    known_digest: str = ""
    by_value: bool = True
    sound: bool = False

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

    @property
    def home(self) -> torch.device:
        """Where they lie."""
        return self.tensor.device

    @cached_property
    def digest(self) -> str:
        """SHA-256 of type, shape and values; or of how they are made, if they came from a source that says that."""
        return self.known_digest or digest_of(self)

    @property
    def resident_bytes(self) -> int:
        """All of it."""
        return self.nbytes

    def __len__(self) -> int:
        return len(self.tensor)

    def parts(self) -> Iterator[Tensor]:
        """All samples at once: nothing is copied."""
        yield self.tensor

    def read(self, index: Tensor) -> Tensor:
        """Some of them, copied."""
        return _taken(self.tensor, index)

    def select(self, index: Tensor) -> BatchSource:
        """Some of them, copied."""
        if not self.by_value:
            return BatchSource.select(self, index)
        return Held(_taken(self.tensor, index), sound=self.sound)

    def to(self, device: torch.device | str) -> BatchSource:
        """All of them in another device's memory."""
        return Held(self.tensor.to(device), self.known_digest, self.by_value, self.sound)


@dataclass(frozen=True)
class Mapped(Held):
    """All samples in one tensor that is mapped from a file: what is read comes from the system's page cache."""

    @property
    def resident_bytes(self) -> int:
        """None: it is the page cache that holds them."""
        return 0

    def parts(self) -> Iterator[Tensor]:
        """All samples in their order, some thousands at a time."""
        yield from self.tensor.split(ROWS)

    def select(self, index: Tensor) -> BatchSource:
        """Some of them; nothing is read."""
        return BatchSource.select(self, index)

    def to(self, device: torch.device | str) -> BatchSource:
        """The same for another device."""
        return BatchSource.to(self, device)


def _taken(tensor: Tensor, index: Tensor) -> Tensor:
    """Some rows of a tensor; of unsigned numbers of 16 bits as signed ones, which every device knows to take."""
    index = index.to(tensor.device)
    if tensor.dtype == torch.uint16:
        return tensor.view(torch.int16).index_select(0, index).view(torch.uint16)
    return tensor.index_select(0, index)


def digest_of(source: BatchSource, labels: Tensor | None = None) -> str:
    """SHA-256 of type, shape, values and labels; read by the batch."""
    state = hashlib.sha256(f"{source.dtype}{(len(source), *source.shape)}".encode())
    for part in source.parts():
        state.update(part.cpu().contiguous().numpy().data)
    if labels is not None:
        state.update(labels.cpu().contiguous().numpy().data)
    return state.hexdigest()
