"""Pictures of many sizes, one after the other in memory or in a mapped file, in the numbers of their files.

Knows where each begins, how large it is, and which numbers become 0 and 1. Does not know files, nor who decoded them.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daecore.data.picture_rows import KEPT, extent_of_row
from daecore.data.value_range import TYPES, Extent, ValueRange

WHITE16 = 65535


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
    def scales(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Which numbers of each picture are 0, and how far from there 1 is: ``(N,)`` and ``(N,)``."""
        low, span = np.zeros(len(self)), self.rows["white"].copy()
        if self.value_range is not None:
            own = self.in_range(self.value_range)
            low[own], span[own] = self.value_range.low, self.value_range.high - self.value_range.low
        return low, span

    def in_range(self, value_range: ValueRange) -> NDArray[np.bool_]:
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
        low, span = (torch.from_numpy(values[number]).float().view(-1, 1, 1, 1) for values in self.scales)
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
