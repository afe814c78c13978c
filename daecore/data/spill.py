"""Spill: a tensor made of parts, in memory where it is small, else in a nameless file that ends with the process.

Knows parts and their number. The file lies where the system keeps temporary files (TMPDIR).
"""

import tempfile
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

HELD_BYTES = 256 << 20  # what is held in memory, at most


def join(parts: Iterable[Tensor], count: int) -> Tensor:
    """One tensor of float32 parts ``(K, *shape)``, ``(count, *shape)``; values beyond ``HELD_BYTES`` lie in a file.

    Args:
        parts: One after the other, at least one; what exceeds ``count`` is left out.
        count: Of all rows.
    """
    whole, filled = torch.empty(0), 0
    for part in parts:
        if not filled:
            whole = _room((count, *part.shape[1:]))
        taken = part[: count - filled]
        whole[filled : filled + len(taken)] = taken
        filled += len(taken)
    return whole


def _room(shape: tuple[int, ...]) -> Tensor:
    if 4 * np.prod(shape, dtype=np.int64) <= HELD_BYTES:
        return torch.empty(shape)
    with tempfile.TemporaryFile(prefix="daecore-") as file:  # the mapping outlives its name
        return torch.from_numpy(np.memmap(file, np.float32, "w+", shape=shape))
