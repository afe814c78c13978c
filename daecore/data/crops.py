"""Crops of pictures, at places that are drawn when they are read; and whole pictures, a group for each size.

Knows pictures. Does not know files, nor who decoded them.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from daecore.data.batch_source import BatchSource, Shape
from daecore.data.pictures import Pictures
from daecore.rng import scatter


@dataclass(frozen=True)
class Crops(BatchSource):
    """Square crops at random places, as many of each picture; the places depend on seed and picture alone.

    Attributes:
        pictures: Each at least as high and as wide as a crop.
        side: Of a crop, in pixels.
        count: Crops of each picture.
        seed: Another seed, other places.
    """

    sound = True  # whoever decoded them has looked

    pictures: Pictures
    side: int
    count: int
    seed: int

    @property
    def shape(self) -> Shape:
        """Of one crop."""
        return self.pictures.channels, self.side, self.side

    @property
    def dtype(self) -> torch.dtype:
        """As they are stored."""
        return self.pictures.dtype

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the pictures and of how crops are drawn."""
        return hashlib.sha256(f"crops {self.side} {self.count} {self.seed} {self.pictures.digest}".encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.pictures) * self.count

    def read(self, index: Tensor) -> Tensor:
        """Some of them: crop k of picture n is number ``n * count + k``."""
        number, crop = np.divmod(index.cpu().numpy(), self.count)
        rows = self.pictures.rows[number]
        own = np.ascontiguousarray(rows["sha256"][:, :8]).view("<u8")[:, 0] + crop.astype(np.uint64)
        top, left = (
            scatter(self.seed, "crops", way, place=own, below=rows[size].astype(np.int64) - self.side + 1)
            for way, size in (("top", "height"), ("left", "width"))
        )
        return self.pictures.windows(number, top, left, self.side)


@dataclass(frozen=True)
class Whole(BatchSource):
    """Whole pictures of one size.

    Attributes:
        pictures: All of one height and width.
    """

    sound = True  # whoever decoded them has looked

    pictures: Pictures

    @property
    def shape(self) -> Shape:
        """Of one picture."""
        return tuple(self.pictures.own_numbers(0).shape)

    @property
    def dtype(self) -> torch.dtype:
        """As they are stored."""
        return self.pictures.dtype

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the pictures."""
        return hashlib.sha256(f"whole {self.pictures.digest}".encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.pictures)

    def read(self, index: Tensor) -> Tensor:
        """Some of them."""
        return torch.stack([self.pictures.picture(number) for number in index.tolist()])


def by_size(pictures: Pictures) -> list[Whole]:
    """Whole pictures, a group for each size, in the order of the sizes."""
    sizes = [(int(row["height"]), int(row["width"])) for row in pictures.rows]
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    return [Whole(pictures.select(np.array([*group]))) for _, group in groupby(order, key=sizes.__getitem__)]
