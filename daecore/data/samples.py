"""The frozen records that hold data: Samples, Splits, Batch, Corrupted, Pairs, and the one tensor rule.

The rule: images are stored as uint8 or uint16 ``(N, C, H, W)`` and become float32 in ``[0, 1]`` one batch at a time, on
the device where they lie; others are stored as float32 in ``[0, 1]``. Points are stored as float32 ``(N, D)``. What is
float32 stays as it is.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from daecore.data.batch_source import BatchSource, Held, Shape, digest_of
from daecore.data.tensor_rule import require_stored, require_values
from daecore.data.value_range import ValueRange
from daecore.errors import SamplesError, quote

WHITE = {torch.uint8: 255, torch.uint16: 65535}
"""What 1 is stored as, by the type of what is stored; floats are stored as they are."""


@dataclass(frozen=True)
class Batch:
    """What one step sees.

    Attributes:
        clean: float32 ``(B, *shape)``.
        labels: int64 ``(B,)``, or None.
        index: int64 ``(B,)``, the samples' positions in their set.
        epoch: The pass over the set it belongs to, from 1; 0 outside of training. What an objective draws beside
            the corruption may change with it, also where ``noise: once`` draws the same corruption again.
    """

    clean: Tensor
    labels: Tensor | None
    index: Tensor
    epoch: int = 0


@dataclass(frozen=True)
class Corrupted:
    """A corrupted batch.

    Attributes:
        x: float32 ``(B, *shape)``; it may leave ``[0, 1]`` and may be smaller than the clean batch.
        touched: bool, broadcastable to ``x``: which values were changed; None where that has no meaning.
    """

    x: Tensor
    touched: Tensor | None = None


@dataclass(frozen=True, init=False)
class Samples:
    """One set of samples: one tensor, or a source that is read by the batch.

    Attributes:
        source: Where they are read from.
        labels: int64 ``(N,)``, or None.
    """

    source: BatchSource
    labels: Tensor | None
    known_digest: str

    def __init__(self, data: Tensor | BatchSource, labels: Tensor | None = None, *, known_digest: str = "") -> None:
        """Hold samples.

        Args:
            data: Images ``(N, C, H, W)``, uint8, uint16 or float32 in ``[0, 1]``, or float32 points ``(N, D)``; or a
                source of such.
            labels: int64 ``(N,)``, or None.
            known_digest: What `digest` is, where somebody has looked at all of them before.

        Raises:
            SamplesError: They have another type or shape. Values are looked at by `fit`, and where a dataset is loaded.
        """
        require_stored(data.tensor if isinstance(data, Held) else data, labels)
        object.__setattr__(self, "source", data if isinstance(data, BatchSource) else Held(data))
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "known_digest", known_digest)

    @classmethod
    def of(cls, given: object, labels: object = None, *, colour: bool = False, cache: Path | None = None) -> "Samples":
        """Samples of an array, a torch Dataset or DataLoader, or a folder: `daecore.data.own_samples.samples_of`."""
        from daecore.data.own_samples import samples_of

        return samples_of(given, labels, colour=colour, cache=cache)

    def __len__(self) -> int:
        return len(self.source)

    @property
    def data(self) -> Tensor:
        """All samples as one tensor ``(N, *shape)``: at no cost where they are one, else all are read."""
        source = self.source
        return source.tensor if isinstance(source, Held) else source.read(torch.arange(len(source)))

    @property
    def shape(self) -> Shape:
        """The shape of one sample."""
        return self.source.shape

    @property
    def device(self) -> torch.device:
        """Where what is read of them lies; everything computed from them is computed there."""
        return self.source.device

    def to(self, device: torch.device | str) -> "Samples":
        """The same samples on another device."""
        labels = None if self.labels is None else self.labels.to(device)
        known = self.known_digest or ("" if self.source.resident_bytes else self.digest)
        return Samples(self.source.to(device), labels, known_digest=known)

    def select(self, index: Tensor) -> "Samples":
        """The samples at ``index`` (int64 ``(K,)``), in that order; a source that is no tensor is not read for it."""
        labels = None if self.labels is None else self.labels[index.to(self.labels.device)]
        return Samples(self.source.select(index), labels)

    def read(self, index: Tensor) -> Tensor:
        """The samples at ``index`` (int64 ``(K,)``) as they are stored: ``(K, *shape)``."""
        return self.source.read(index)

    def head(self, count: int) -> Tensor:
        """The first samples as they are stored, at most so many: ``(K, *shape)``."""
        return self.source.read(torch.arange(min(count, len(self)), device=self.device))

    def batch(self, index: Tensor, epoch: int = 0) -> Batch:
        """The samples at ``index``, as a batch of float32, seen in this epoch."""
        labels = None if self.labels is None else self.labels.index_select(0, index.to(self.labels.device))
        return Batch(as_float(self.source.read(index)), labels, index.to(self.device), epoch)

    def batches(self, size: int) -> Iterator[Batch]:
        """All samples in their order, ``size`` at a time (the last batch may be smaller)."""
        for index in torch.arange(len(self), device=self.device).split(size):
            yield self.batch(index)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of shape, type, values and labels: equal digests, equal samples."""
        if self.known_digest or self.labels is None:
            return self.known_digest or self.source.digest
        if self.source.by_value:
            return digest_of(self.source, self.labels)
        return hashlib.sha256(self.source.digest.encode() + self.labels.cpu().numpy().tobytes()).hexdigest()


@dataclass(frozen=True)
class Splits:
    """A dataset: disjoint sets for training, validation and test.

    Attributes:
        train: What training sees.
        validation: What chooses (early stopping, the baselines' strengths).
        test: What networks are evaluated on, one group per sample shape; most datasets have a single group.
        classes: The number of classes, or None without labels.
        value_range: Which numbers of the files became 0 and 1, where their type alone does not say it; else None.

    Raises:
        SamplesError: A set is something else than samples, or there is no test set.
    """

    train: Samples
    validation: Samples
    test: tuple[Samples, ...]
    classes: int | None = None
    value_range: ValueRange | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.test, tuple | list) or not self.test:
            raise SamplesError(
                f"Splits hold the test set as a tuple of groups, one for each image shape, but `test` is "
                f"{quote(self.test)}. Give (samples,)."
            )
        for name, samples in self.sets:
            if not isinstance(samples, Samples):
                raise SamplesError(f"Splits hold daecore.Samples, but the {name} are {type(samples).__name__}.")

    @property
    def sets(self) -> list[tuple[str, Samples]]:
        """All sets with what they are called; each group of the test set is one."""
        test = (("test samples", group) for group in self.test)
        return [("training samples", self.train), ("validation samples", self.validation), *test]

    def require_values(self) -> "Splits":
        """Refuse values that nothing can be learnt from; gives itself. Points and labels are read once, images not.

        Raises:
            SamplesError: A set is empty, holds NaN or infinity, or lacks labels or has others than the classes' own.
        """
        for name, samples in self.sets:
            require_values(samples.source, samples.labels, name, classes=self.classes)
            if self.classes is not None and samples.labels is None:
                raise SamplesError(f"Splits with {self.classes} classes need labels, and the {name} have none.")
        return self

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the digests of all its sets."""
        parts = [self.train, self.validation, *self.test]
        return hashlib.sha256("".join(part.digest for part in parts).encode()).hexdigest()

    def to(self, device: torch.device | str) -> "Splits":
        """The same splits on another device."""
        test = tuple(group.to(device) for group in self.test)
        return replace(self, train=self.train.to(device), validation=self.validation.to(device), test=test)


@dataclass(frozen=True)
class Pairs:
    """Clean samples with the corruption that was drawn for them once: what every model is evaluated on.

    Attributes:
        clean: The samples, as stored.
        corrupted: float32 ``(N, *shape)``.
    """

    clean: Samples
    corrupted: Tensor

    def __len__(self) -> int:
        return len(self.clean)

    def asked(self, index: Tensor) -> Tensor:
        """What a network is asked at these positions, int64 ``(K,)``: float32 ``(K, *shape)``, where the clean are."""
        return self.corrupted[index.to(self.corrupted.device)].to(self.clean.device)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of both: equal digests, the very same noise on the very same samples."""
        return hashlib.sha256(f"{self.clean.digest}{digest_of(Held(self.corrupted))}".encode()).hexdigest()


def as_float(data: Tensor) -> Tensor:
    """The tensor rule: uint8 and uint16 become float32 in ``[0, 1]``, anything else stays as it is."""
    white = WHITE.get(data.dtype)
    return data if white is None else data.to(torch.float32).mul_(1 / white)


def as_uint8(images: Tensor) -> Tensor:
    """Images as they are stored: clipped to ``[0, 1]``, the nearest step of a 255th; uint8 stays as it is."""
    return images if images.dtype == torch.uint8 else as_float(images).clamp(0, 1).mul(255).round().to(torch.uint8)
