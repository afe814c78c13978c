"""Source views: some samples of another source, or all of them for another device.

Knows the contract of sources. Does not know what they read.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from daecore.data.batch_source import BatchSource, Held, Shape, digest_of


class _View(BatchSource):
    """What is read of another source is as it is there."""

    source: BatchSource

    @property
    def by_value(self) -> bool:  # type: ignore[override]
        """As the other source."""
        return self.source.by_value

    @property
    def sound(self) -> bool:  # type: ignore[override]
        """As the other source."""
        return self.source.sound

    @property
    def shape(self) -> Shape:
        """Of one sample."""
        return self.source.shape

    @property
    def dtype(self) -> torch.dtype:
        """As they are stored."""
        return self.source.dtype


@dataclass(frozen=True)
class Chosen(_View):
    """Some samples of another source.

    Attributes:
        source: All of them.
        index: int64 ``(K,)``, positions there, on the CPU.
    """

    source: BatchSource
    index: Tensor

    @property
    def device(self) -> torch.device:
        """Where what is read lies."""
        return self.source.device

    @cached_property
    def digest(self) -> str:
        """That of a tensor with these values, which are read for it; or of the other source and the positions."""
        if self.by_value:
            return digest_of(self)
        return hashlib.sha256(self.source.digest.encode() + self.index.numpy().tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self.index)

    def read(self, index: Tensor) -> Tensor:
        """Some of them."""
        return self.source.read(self.index[index.cpu()])

    def select(self, index: Tensor) -> BatchSource:
        """Some of them; nothing is read."""
        return Chosen(self.source, self.index[index.cpu()]) if self.by_value else BatchSource.select(self, index)


@dataclass(frozen=True)
class Fetched(_View):
    """Samples of a source on the CPU, of which each batch is brought to another device.

    Attributes:
        source: On the CPU.
        where: The other device.
    """

    source: BatchSource
    where: torch.device

    @property
    def device(self) -> torch.device:
        """Where each batch is brought to."""
        return self.where

    @property
    def digest(self) -> str:
        """That of the other source."""
        return self.source.digest

    def __len__(self) -> int:
        return len(self.source)

    def read(self, index: Tensor) -> Tensor:
        """Some of them, on the device."""
        return self.source.read(index.cpu()).to(self.where, non_blocking=True)

    def select(self, index: Tensor) -> BatchSource:
        """Some of them; nothing is read."""
        return Fetched(self.source.select(index), self.where)

    def to(self, device: torch.device | str) -> BatchSource:
        """The same; what is read lies on another device."""
        return self.source.to(device)


def move(source: BatchSource, device: torch.device) -> BatchSource:
    """The samples of a source for a device: in its memory if they fit into half of what is free there, else batchwise.

    What they are called stays: whether they fit changes no stream and no key.
    """
    if device.type == source.device.type:
        return source
    if device.type == "cuda" and source.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
        return Fetched(source, device)
    values = torch.empty((len(source), *source.shape), dtype=source.dtype, device=device)
    filled = 0
    for part in source.parts():
        values[filled : filled + len(part)] = part.to(device)
        filled += len(part)
    known = "" if source.by_value else source.digest  # of values it is found where it is asked for
    return Held(values, known, source.by_value, source.sound)
