"""Packed set: what a dataset in chunks says of itself, and what of that is believed.

The header lies beside the chunks, and may have been written by anybody: it is read by rule. What the chunks hold is
believed by their digests, which the header names by one digest of them all. Knows no storage.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from daecore.data.sample_store import PARTS, Part
from daecore.data.samples import Samples, Splits
from daecore.data.value_range import ValueRange
from daecore.errors import SamplesError, in_a_line

LARGEST_CHUNK = 1 << 28  # bytes of values, and of labels: ours have 4 MB; a picture of 80 megapixels fits
CHUNK_BYTES = 4 << 20  # of values: small enough that a first batch comes soon, large enough to be worth a request
LABEL_BYTES = 8
MOST_CHUNKS, MOST_CLASSES = 1 << 22, 1 << 20
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
STORED = {"uint8": torch.uint8, "uint16": torch.uint16, "float32": torch.float32}


class PackedSamples(BaseModel):
    """One set of samples in chunks.

    Attributes:
        part: The set that they are.
        name: What they are called in the storage.
        shape: Of one sample.
        type: As they are stored.
        count: How many there are.
        rows: How many a chunk holds; the last may hold fewer.
        sha256: Of the digests of all chunks, one after the other.
        labels_sha256: Of the digests of the labels' chunks, which have as many rows; empty without labels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: Part
    name: str = Field(pattern="^(train|validation|test)-[0-9]{1,4}$")
    shape: tuple[Annotated[int, Field(ge=1, le=1 << 20)], ...] = Field(min_length=1, max_length=3)
    type: Literal["uint8", "uint16", "float32"]
    count: int = Field(ge=1, le=1 << 40)
    rows: int = Field(ge=1, le=1 << 27)
    sha256: Sha256
    labels_sha256: Sha256 | Literal[""] = ""

    @model_validator(mode="after")
    def _fits(self) -> "PackedSamples":
        if self.chunks > MOST_CHUNKS:
            raise ValueError(f"it has more than {MOST_CHUNKS:,} chunks")
        if self.rows * max(self.sample_bytes, LABEL_BYTES) > LARGEST_CHUNK:
            raise ValueError(f"a chunk would hold more than {LARGEST_CHUNK:,} bytes")
        return self

    @classmethod
    def of(cls, part: Part, number: int, samples: Samples) -> "PackedSamples":
        """Of samples that are to be packed; their digests are not known yet.

        Raises:
            pydantic.ValidationError: They cannot be packed.
        """
        kind = str(samples.source.dtype).removeprefix("torch.")
        rows = min(len(samples), max(1, CHUNK_BYTES // (samples.source.nbytes // len(samples))))
        labels = "" if samples.labels is None else "0" * 64
        return cls(
            part=part, name=f"{part}-{number}", shape=samples.shape, type=kind, count=len(samples), rows=rows,
            sha256="0" * 64, labels_sha256=labels,
        )  # fmt: skip

    @property
    def sample_bytes(self) -> int:
        """What one sample takes."""
        return math.prod(self.shape) * np.dtype(self.type).itemsize

    @property
    def chunks(self) -> int:
        """How many there are."""
        return math.ceil(self.count / self.rows)

    @property
    def digest(self) -> str:
        """SHA-256 of all that the samples are made of."""
        said = f"chunks {self.type} {self.shape} {self.count} {self.rows} {self.sha256}"
        return hashlib.sha256(said.encode()).hexdigest()


class Header(BaseModel):
    """A dataset in chunks.

    Attributes:
        format: Of the header.
        classes: The number of classes, or None without labels.
        bounded: Whether all values lie in ``[0, 1]``.
        sets: In the order of training, validation and test; the test set may have several groups.
        value_range: Which numbers of the files became 0 and 1, where their type alone does not say it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    classes: int | None = Field(ge=1, le=MOST_CLASSES)
    bounded: bool
    sets: tuple[PackedSamples, ...]
    value_range: ValueRange | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Header":
        counts = [sum(it.part == part for it in self.sets) for part in PARTS]
        if counts[:2] != [1, 1] or not counts[2]:
            raise ValueError("it has not one set to train on, one to validate on, and at least one to test on")
        if len({it.name for it in self.sets}) < len(self.sets):
            raise ValueError("two of its sets have the same name")
        if self.classes is not None and not all(it.labels_sha256 for it in self.sets):
            raise ValueError("it has classes, but not all of its sets have labels")
        return self

    @classmethod
    def of(cls, splits: Splits, groups: Sequence[tuple[Part, Samples]], *, bounded: bool) -> "Header":
        """Of a dataset's sets that are to be packed; digests are not known yet.

        Raises:
            SamplesError: They cannot be packed.
        """
        try:
            numbers = [sum(part == it for it, _ in groups[:n]) for n, (part, _) in enumerate(groups)]
            sets = (PackedSamples.of(part, n, it) for (part, it), n in zip(groups, numbers, strict=True))
            return cls(classes=splits.classes, bounded=bounded, sets=tuple(sets), value_range=splits.value_range)
        except ValidationError as error:
            raise SamplesError(f"This dataset cannot be packed: {first_of(error)}.") from None

    @property
    def digest(self) -> str:
        """SHA-256 of all that it says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def train(self) -> PackedSamples:
        """What is trained on."""
        return next(it for it in self.sets if it.part == "train")


def first_of(error: ValidationError) -> str:
    """The first thing that is wrong with a header, and where."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return in_a_line(f"{where}: {first['msg']}" if where else first["msg"]).rstrip(".")
