"""Sample store: the sets of a dataset as files that are mapped, written piece by piece.

A folder holds the values and the labels of each set, one sample after the other, and a header that comes last. Knows
bytes, shapes and types. Does not know which dataset they are of, nor when they are kept.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from daecore.data.batch_source import ROWS, Held, Mapped, Shape, digest_of
from daecore.data.durable import sync, write_json
from daecore.data.mapping import map_file
from daecore.data.samples import Samples, Splits
from daecore.data.tensor_rule import require_values
from daecore.errors import DataError, SamplesError

HEADER = "header.json"
FORMAT: Final = 2
Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
TYPES = {"uint8": np.uint8, "uint16": np.uint16, "float32": np.float32}


@dataclass(frozen=True)
class Piece:
    """Some samples of one set of a dataset: what a dataset's function yields that has more than memory holds.

    Attributes:
        part: The set that they belong to.
        samples: With labels, or without; all pieces of a set alike. Test samples of another shape are another group.
    """

    part: Part
    samples: Samples


def write_pieces(pieces: Iterable[Piece], folder: Path, *, classes: int | None) -> None:
    """Write the sets of a dataset, whole or not at all.

    Args:
        pieces: In the order in which samples are to stand in their sets.
        folder: Where to; it is made.
        classes: The number of classes, or None without labels.

    Raises:
        SamplesError: A set has none, or the pieces of one differ in shape, type or labels.
        DataError: There is no room for them.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # a killed process may have left it
    try:
        with ExitStack() as files:
            with _writing(folder):
                part.mkdir(parents=True)
            sets = _Sets(part, folder, files)
            for piece in pieces:
                sets.add(piece)
            header = _Header(classes=classes, sets=sets.close())
        with _writing(folder):
            write_json(part / HEADER, header.model_dump(mode="json"))
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def pieces_of(splits: Splits, rows: int = ROWS) -> Iterator[Piece]:
    """All samples of a dataset, so many at a time."""
    for part, groups in zip(PARTS, ((splits.train,), (splits.validation,), splits.test), strict=True):
        for samples in groups:
            for index in torch.arange(len(samples)).split(rows):
                labels = None if samples.labels is None else samples.labels[index]
                yield Piece(part, Samples(samples.read(index), labels))


def open_sets(folder: Path, since: float = 0) -> Splits | None:
    """The dataset that a folder holds, mapped; None where there is none, it is not whole, or was written before."""
    try:
        if (folder / HEADER).stat().st_mtime < since:
            return None
        header = _Header.model_validate_json((folder / HEADER).read_bytes())
        sets = [(it.part, _open(folder / it.file, it)) for it in header.sets]
        train, validation, test = (tuple(samples for name, samples in sets if name == part) for part in PARTS)
        found = Splits(train[0], validation[0], test, header.classes)
    except (OSError, ValueError, IndexError, SamplesError):
        return None
    with suppress(OSError):  # of who may only read
        os.utime(folder)  # it was used
    return found


class _Written(BaseModel):
    """What the header says of one set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: Part
    file: str = Field(pattern=r"^(train|validation|test)-[0-9]{1,4}\.values$")
    shape: tuple[Annotated[int, Field(ge=1, le=1 << 30)], ...] = Field(min_length=1, max_length=3)
    type: Literal["uint8", "uint16", "float32"]
    count: int = Field(ge=1, le=1 << 40)
    sha256: str
    labelled: bool


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2] = FORMAT
    classes: int | None = Field(ge=1)
    sets: tuple[_Written, ...]


@dataclass
class _Set:
    """One set while it is written."""

    part: Part
    shape: Shape
    dtype: torch.dtype
    labelled: bool
    values: BinaryIO
    labels: list[Tensor] = field(default_factory=list)
    count: int = 0


class _Sets:
    """All sets while they are written."""

    def __init__(self, folder: Path, named: Path, files: ExitStack) -> None:
        self.folder, self._named, self._files = folder, named, files
        self.sets: list[_Set] = []

    def add(self, piece: Piece) -> None:
        """Append some samples to their set."""
        samples = piece.samples
        into = self._set_of(piece)
        values = samples.data.contiguous().cpu()
        labelled = samples.labels is not None
        if values.dtype != into.dtype or labelled != into.labelled:
            raise SamplesError(
                f"The pieces of the set {piece.part!r} differ in type or labels. Give all of them as "
                f"{str(into.dtype).removeprefix('torch.')}, all with labels or all without."
            )
        require_values(Held(values), samples.labels, f"samples of the set {piece.part!r}")
        with _writing(self._named):
            into.values.write(values.numpy().data)
        into.count += len(samples)
        if samples.labels is not None:
            into.labels.append(samples.labels.cpu())

    def _set_of(self, piece: Piece) -> _Set:
        known = [it for it in self.sets if it.part == piece.part]
        found = next((it for it in known if it.shape == piece.samples.shape), None)
        if found is not None:
            return found
        if known and piece.part != "test":
            raise SamplesError(
                f"The pieces of the set {piece.part!r} have the shapes {known[0].shape} and {piece.samples.shape}, but "
                "one was expected. Only test samples may differ."
            )
        with _writing(self._named):
            values = self._files.enter_context((self.folder / f"{piece.part}-{len(known)}.values").open("wb"))
        samples = piece.samples
        self.sets.append(_Set(piece.part, samples.shape, samples.source.dtype, samples.labels is not None, values))
        return self.sets[-1]

    def close(self) -> tuple[_Written, ...]:
        """What the header says of each set."""
        missing = [part for part in PARTS if not any(it.part == part and it.count for it in self.sets)]
        if missing:
            raise SamplesError(f"The dataset yields no samples for {', '.join(missing)}. Yield some for each set.")
        return tuple(self._close(it) for it in self.sets)

    def _close(self, it: _Set) -> _Written:
        name = Path(it.values.name).name
        labels = torch.cat(it.labels) if it.labels else None
        with _writing(self._named):
            sync(it.values)
            with (self.folder / f"{name}.labels").open("wb") as file:
                file.write(b"" if labels is None else labels.numpy().data)
                sync(file)
        kind = str(it.dtype).removeprefix("torch.")
        values = map_file(self.folder / name, TYPES[kind], (it.count, *it.shape))
        sha256 = digest_of(Mapped(torch.from_numpy(values)), labels)
        return _Written(
            part=it.part, file=name, shape=it.shape, type=kind, count=it.count, sha256=sha256, labelled=it.labelled
        )


def _open(path: Path, written: _Written) -> Samples:
    """The samples of a set, read from the page cache as they are needed."""
    beside = path.with_name(f"{path.name}.labels")
    labels = torch.from_numpy(map_file(beside, np.int64, (written.count,))) if written.labelled else None
    values = torch.from_numpy(map_file(path, TYPES[written.type], (written.count, *written.shape)))
    return Samples(Mapped(values, sound=True), labels, known_digest=written.sha256)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"The dataset cannot be written to {folder}: {error.strerror or error}. Nothing is left of it. Make room, "
            "or name another folder with DAE_DATA or --data, and run again."
        ) from None
