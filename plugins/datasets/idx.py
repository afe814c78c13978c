"""IDX files, the form of MNIST and its kin: four verified files become three sets.

Knows the file format and the split. Does not know where the files come from.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor

from daecore import (
    DataError,
    ExpectedFile,
    Options,
    Samples,
    Source,
    Splits,
    fetch_files,
    local_folder,
    stream,
    user_path,
)

from .halves import choose_half

MOST_DIMENSIONS = 4  # of such a file: numbers, rows, columns, and perhaps colours
SHAPE = (1, 28, 28)
CLASSES = 10
TRAIN, VALIDATION = 55_000, 5_000
DOWNLOAD_BYTES = 130_000_000  # 55 MB that stay; archive and unpacked files while fetching


BYTES = {  # of the files of MNIST and its kin: a header, then a byte for each pixel or label
    "train-images-idx3-ubyte": 16 + 60_000 * 784,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 784,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}


class IdxOptions(Options):
    """Where the files are, and how many of the images are used."""

    folder: str = Field(default="", description="a folder that already has the four files; empty: download")
    train: int = Field(default=0, ge=0, le=TRAIN, description="training images kept, of all classes; 0: all 55,000")
    validation: int = Field(default=0, ge=0, le=VALIDATION, description="validation images kept; 0: all 5,000")
    test: int = Field(default=0, ge=0, le=10_000, description="test images kept, the first ones; 0: all 10,000")
    half: Literal["", "a", "b"] = Field(
        default="", description="one of two disjoint halves of the training images; empty: both together"
    )
    apart: float = Field(
        default=0,
        ge=0,
        le=28,
        description="images of a half nearer than this to one of the other are left out, in units of full intensity",
    )

    @model_validator(mode="after")
    def _halves_are_halves(self) -> Self:
        if self.half and self.train > TRAIN // 2:
            raise ValueError(f"a half has {TRAIN // 2:,} training images, and train asks for {self.train:,}")
        if self.apart and not self.half:
            raise ValueError("apart is a distance between the two halves: give half, a or b, too")
        return self


def load_idx(folder: Path, files: Mapping[str, ExpectedFile], sources: Sequence[Source], options: IdxOptions) -> Splits:
    """Fetch, read and split: 55,000 for training, 5,000 for validation, the 10,000 test images as they are.

    The split is one for ever: drawn from the stream ``(0, <dataset>, "split")``. Fewer images are the first ones of
    that draw, so that a smaller set lies within every larger one. The two halves are the first and the second half of
    that draw, and fewer images are the first ones of each.

    Args:
        folder: The dataset's folder in the cache; its name is the dataset's.
        files: The four IDX file names with the size and the SHA-256 of their content.
        sources: Where to get them.
        options: A folder of the user's to look into first, and how many images are kept.

    Returns:
        uint8 images ``(N, 1, 28, 28)`` with int64 labels.

    Raises:
        DataError: The files cannot be had, or no image of a half is left.
    """
    users = [local_folder(user_path(options.folder, "The dataset's folder"))] if options.folder else []
    fetch_files(folder, files, [*users, *sources], download_bytes=DOWNLOAD_BYTES)
    known, test = (_samples(folder, part) for part in ("train", "t10k"))
    order = torch.randperm(len(known), generator=stream(0, folder.name, "split"))
    validation, train = order[:VALIDATION], order[VALIDATION:]
    if options.half:
        kept = known.select(choose_half(known.data, train, options.half, options.train, options.apart))
    else:
        kept = known.select(train[: options.train or None])
    held_out = known.select(validation[: options.validation or None])
    evaluated = test.select(torch.arange(options.test)) if options.test else test
    return Splits(kept, held_out, (evaluated,), classes=CLASSES)


def read_idx(path: Path) -> Tensor:
    """One uncompressed IDX file of unsigned bytes as a uint8 tensor of the shape its header gives.

    Raises:
        DataError: The file is no such IDX file.
    """
    content = np.fromfile(path, dtype=np.uint8)
    dimensions = int(content[3]) if content[:3].tolist() == [0, 0, 8] and len(content) > 3 else 0
    start = 4 + 4 * dimensions
    whole = 0 < dimensions <= MOST_DIMENSIONS and len(content) > start
    shape = content[4:start].view(">u4").tolist() if whole else []
    if not shape or len(content) - start != math.prod(shape):
        raise DataError(
            f"{path} is not an IDX file of unsigned bytes: its header is {content[:4].tolist()}, its size "
            f"{len(content)} bytes. Delete it, so that it is fetched anew."
        )
    return torch.from_numpy(content[start:].reshape(shape))


def _samples(folder: Path, part: str) -> Samples:
    images = read_idx(folder / f"{part}-images-idx3-ubyte").reshape(-1, *SHAPE)
    return Samples(images, read_idx(folder / f"{part}-labels-idx1-ubyte").long())
