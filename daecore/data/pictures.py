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
from daecore.data.value_range import TYPES, Extent, ValueRange
from daecore.rng import scatter

KEPT = (torch.uint8, torch.uint16, torch.float32)  # what they are kept as
WHITE16 = 65535
ROW = np.dtype(
    [
        ("key", "V16"),
        ("page", "<i4"),
        ("pages", "<i4"),
        ("begin", "<i8"),
        ("height", "<i4"),
        ("width", "<i4"),
        ("kept", "<u1"),
        ("type", "<u1"),
        ("white", "<f8"),
        ("low", "<f8"),
        ("high", "<f8"),
        ("sha256", "<u1", 32),
        ("crc", "<u4"),
    ]
)


@dataclass(frozen=True)
class Pictures:
    """N pictures with the same number of channels, in the numbers of their files.

    Attributes:
        rows: ``(N,)`` of `ROW`: the key of its file, its number among how many pictures there, where it begins,
            counted in values, its size, in which of the tensors it lies, the type, white, lowest and highest of the
            file's numbers, the SHA-256 of type, shape and values, and a checksum of the row.
        numbers: The values of all pictures, each ``(C, H, W)``: uint8 ``(V,)``, uint16 ``(W,)``, float32 ``(X,)``.
        channels: 1 or 3.
        value_range: Which numbers become 0 and 1, where it applies; else their type says it.
    """

    rows: NDArray[np.void]
    numbers: tuple[Tensor, ...]
    channels: int
    value_range: ValueRange | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, index: NDArray[np.int64]) -> "Pictures":
        """Some of them, in this order; nothing is copied."""
        return replace(self, rows=self.rows[index])

    @cached_property
    def extents(self) -> dict[tuple[int, float], Extent]:
        """What the numbers of all files of one type and white reach, by these."""
        found = {}
        for kind, white in {(int(row["type"]), float(row["white"])) for row in np.unique(self.rows[["type", "white"]])}:
            own = self.rows[(self.rows["type"] == kind) & (self.rows["white"] == white)]
            found[kind, white] = Extent(TYPES[kind], white, float(own["low"].min()), float(own["high"].max()))
        return found

    @cached_property
    def scales(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Which numbers of each picture are 0, and how far from there 1 is: ``(N,)`` and ``(N,)``."""
        low, span = np.zeros(len(self), np.float32), self.rows["white"].astype(np.float32)
        if self.value_range is not None:
            own = self._in_range(self.value_range)
            low[own], span[own] = self.value_range.low, self.value_range.high - self.value_range.low
        return low, span

    def _in_range(self, value_range: ValueRange) -> NDArray[np.bool_]:
        """To which of them a range applies, ``(N,)``; few are asked one by one: floats among whole numbers."""
        found = np.zeros(len(self), bool)
        for kind in np.unique(self.rows["type"]).tolist():
            own = np.flatnonzero(self.rows["type"] == kind)
            extents = [extent_of_row(row) for row in self.rows[own if TYPES[kind].startswith("float") else own[:1]]]
            found[own] = [value_range.applies_to(it) for it in extents]
        return found

    @cached_property
    def dtype(self) -> torch.dtype:
        """What they are as samples: whole numbers where 1 is what their type holds, else float32."""
        low, span = self.scales
        for kept, white in ((0, 255), (1, WHITE16)):
            if ((self.rows["kept"] == kept) & (low == 0) & (span == white)).all():
                return KEPT[kept]
        return torch.float32

    @cached_property
    def digest(self) -> str:
        """SHA-256 over those of all pictures, and what their numbers mean."""
        state = hashlib.sha256(np.ascontiguousarray(self.rows["sha256"]).data)
        for values in self.scales:
            state.update(np.ascontiguousarray(values).data)
        return state.hexdigest()

    def own_numbers(self, number: int) -> Tensor:
        """One of them, ``(C, H, W)``, in the numbers of its file; a view."""
        row = self.rows[number]
        shape = self.channels, int(row["height"]), int(row["width"])
        numbers: Tensor = self.numbers[int(row["kept"])]
        return numbers[int(row["begin"]) :][: shape[0] * shape[1] * shape[2]].view(shape)

    def picture(self, number: int) -> Tensor:
        """One of them, ``(C, H, W)``, as a sample of the type `dtype`."""
        found = self.own_numbers(number)
        if self.dtype != torch.float32:
            return found
        return self._scaled(found[None].to(torch.float32), np.array([number]))[0]

    def _scaled(self, numbers: Tensor, number: NDArray[np.int64]) -> Tensor:
        """Samples of float32 numbers ``(K, ...)``, in place; of which pictures, ``(K,)``."""
        low, span = (torch.from_numpy(values[number]).view(-1, 1, 1, 1) for values in self.scales)
        if low.any():
            numbers.sub_(low)
        return numbers.div_(span).clamp_(0, 1)

    def windows(self, number: NDArray[np.int64], top: NDArray[np.int64], left: NDArray[np.int64], side: int) -> Tensor:
        """Square windows ``(K, C, side, side)`` in the type of `dtype`.

        Args:
            number: Of which pictures, ``(K,)``.
            top: Their first rows, ``(K,)``.
            left: Their first columns, ``(K,)``.
            side: In pixels.
        """
        rows, values = self.rows[number], tuple(it.numpy() for it in self.numbers)
        windows = torch.empty((len(number), self.channels, side, side), dtype=self.dtype)
        into = windows.numpy()
        columns = (rows[name].tolist() for name in ("kept", "begin", "height", "width"))
        each = zip(*columns, top.tolist(), left.tolist(), strict=True)
        for place, (kept, begin, height, width, y, x) in enumerate(each):  # which beats one gather of all values
            flat = values[kept][begin : begin + self.channels * height * width]
            into[place] = flat.reshape(self.channels, height, width)[:, y : y + side, x : x + side]
        return self._scaled(windows, number) if self.dtype == torch.float32 else windows


def extent_of_row(row: np.void) -> Extent:
    """What the numbers of one picture reach."""
    return Extent(TYPES[row["type"]], float(row["white"]), float(row["low"]), float(row["high"]))


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
