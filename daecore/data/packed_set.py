"""Packed set: what a dataset in chunks says of itself, and what of that is believed.

The header stands beside the chunks, and may have been written by anybody: it is read by rule. Each chunk's values are
believed by their digest alone. Knows no storage.
"""

import hashlib
import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from daecore.data.sample_store import PARTS, Part

LARGEST_CHUNK = 1 << 30  # bytes
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class PackedSamples(BaseModel):
    """One set of samples in chunks.

    Attributes:
        part: The set that they are.
        name: What they are called in the storage; their labels are called so, too, with ``.labels``.
        shape: Of one sample.
        type: As they are stored.
        count: How many there are.
        rows: How many a chunk holds; the last may hold fewer.
        sha256: Of each chunk's values.
        labels_sha256: Of the labels, int64; empty without.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: Part
    name: str = Field(pattern="^(train|validation|test)-[0-9]{1,4}$")
    shape: tuple[Annotated[int, Field(ge=1, le=1 << 20)], ...] = Field(min_length=1, max_length=3)
    type: Literal["uint8", "float32"]
    count: int = Field(ge=1, le=1 << 40)
    rows: int = Field(ge=1, le=1 << 30)
    sha256: tuple[Sha256, ...]
    labels_sha256: Sha256 | Literal[""] = ""

    @model_validator(mode="after")
    def _fits(self) -> "PackedSamples":
        if len(self.sha256) != math.ceil(self.count / self.rows):
            raise ValueError(f"{self.count} samples by {self.rows} have {len(self.sha256)} digests")
        if self.rows * self.sample_bytes > LARGEST_CHUNK:
            raise ValueError(f"a chunk would hold more than {LARGEST_CHUNK} bytes")
        return self

    @property
    def sample_bytes(self) -> int:
        """What one sample takes."""
        return math.prod(self.shape) * (1 if self.type == "uint8" else 4)

    @property
    def digest(self) -> str:
        """SHA-256 of all that the samples are made of."""
        said = f"chunks {self.type} {self.shape} {self.count} {self.rows} {' '.join(self.sha256)}"
        return hashlib.sha256(said.encode()).hexdigest()

    def span(self, chunk: int) -> tuple[int, int]:
        """The first sample of a chunk, and the first behind it."""
        return chunk * self.rows, min(self.count, (chunk + 1) * self.rows)


class Header(BaseModel):
    """A dataset in chunks.

    Attributes:
        format: Of the header.
        classes: The number of classes, or None without labels.
        bounded: Whether all values lie in ``[0, 1]``.
        sets: In the order of training, validation and test; the test set may have several groups.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    classes: int | None = Field(ge=1, le=1 << 30)
    bounded: bool
    sets: tuple[PackedSamples, ...]

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

    @property
    def digest(self) -> str:
        """SHA-256 of all that it says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def train(self) -> PackedSamples:
        """What is trained on."""
        return next(it for it in self.sets if it.part == "train")
