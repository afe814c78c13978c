"""Pictures of many sizes, one after the other in memory or in a mapped file; crops of them, drawn when they are read.

Knows where each picture begins and how large it is. Does not know files, nor who decoded them.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daecore.data.batch_source import BatchSource, Shape
from daecore.data.samples import as_float
from daecore.rng import scatter

ROW = np.dtype(
    [
        ("key", "V16"),
        ("begin", "<i8"),
        ("height", "<i4"),
        ("width", "<i4"),
        ("deep", "<u1"),
        ("sha256", "<u1", 32),
        ("crc", "<u4"),
    ]
)


@dataclass(frozen=True)
class Pictures:
    """N pictures with the same number of channels.

    Attributes:
        rows: ``(N,)`` of `ROW`: the key of its file, where each begins, counted in values, its size, in which of the
            tensors it lies, the SHA-256 of its type, shape and values, and a checksum of the row.
        flat: uint8 ``(V,)``, the values of all pictures of 8 bits, each ``(C, H, W)``.
        deep: float32 ``(W,)``, those of all others, in ``[0, 1]``.
        channels: 1 or 3.
    """

    rows: NDArray[np.void]
    flat: Tensor
    deep: Tensor
    channels: int

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, index: NDArray[np.int64]) -> "Pictures":
        """Some of them, in this order; nothing is copied."""
        return replace(self, rows=self.rows[index])

    @cached_property
    def dtype(self) -> torch.dtype:
        """What they are stored as together: float32 where one of them has more than 8 bits."""
        return torch.float32 if self.rows["deep"].any() else torch.uint8

    @cached_property
    def digest(self) -> str:
        """SHA-256 over those of all pictures."""
        return hashlib.sha256(np.ascontiguousarray(self.rows["sha256"]).data).hexdigest()

    def picture(self, number: int) -> Tensor:
        """One of them, ``(C, H, W)``, as it is stored; a view."""
        row = self.rows[number]
        shape = self.channels, int(row["height"]), int(row["width"])
        values = self.deep if row["deep"] else self.flat
        return values[int(row["begin"]) :][: shape[0] * shape[1] * shape[2]].view(shape)

    def windows(self, number: NDArray[np.int64], top: NDArray[np.int64], left: NDArray[np.int64], side: int) -> Tensor:
        """Square windows ``(K, C, side, side)`` in the type of `dtype`.

        Args:
            number: Of which pictures, ``(K,)``.
            top: Their first rows, ``(K,)``.
            left: Their first columns, ``(K,)``.
            side: In pixels.
        """
        rows, values = self.rows[number], (self.flat.numpy(), self.deep.numpy())
        windows = torch.empty((len(number), self.channels, side, side), dtype=self.dtype)
        into = windows.numpy()
        columns = (rows[name].tolist() for name in ("deep", "begin", "height", "width"))
        each = zip(*columns, top.tolist(), left.tolist(), strict=True)
        for place, (deep, begin, height, width, y, x) in enumerate(each):  # which beats one gather of all values
            flat = values[deep][begin : begin + self.channels * height * width]
            into[place] = flat.reshape(self.channels, height, width)[:, y : y + side, x : x + side]
        if self.dtype == torch.float32:
            windows[torch.from_numpy(rows["deep"] == 0)] *= 1 / 255
        return windows


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
        return tuple(self.pictures.picture(0).shape)

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
        found = [self.pictures.picture(number) for number in index.tolist()]
        deep = self.dtype == torch.float32
        return torch.stack([as_float(it) if deep else it for it in found])


def by_size(pictures: Pictures) -> list[Whole]:
    """Whole pictures, a group for each size, in the order of the sizes."""
    sizes = [(int(row["height"]), int(row["width"])) for row in pictures.rows]
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    return [Whole(pictures.select(np.array([*group]))) for _, group in groupby(order, key=sizes.__getitem__)]
