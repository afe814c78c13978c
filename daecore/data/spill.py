"""Spill: a tensor made of parts, in memory where it is small, else in a nameless file that ends with the process.

Knows parts and their number. The file lies where the system keeps temporary files (TMPDIR): on a disk, not in memory.
"""

import os
import tempfile
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from daecore.errors import DataError

HELD_BYTES = 256 << 20  # what is held in memory, at most


def join(parts: Iterable[Tensor], count: int) -> Tensor:
    """One tensor of float32 parts ``(K, *shape)``, ``(count, *shape)``; more than `HELD_BYTES` lie in a file.

    Args:
        parts: One after the other, at least one; what exceeds ``count`` is left out.
        count: Of all rows.

    Raises:
        DataError: There is no room for the file.
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
    size = 4 * int(np.prod(shape, dtype=np.int64))
    if size <= HELD_BYTES:
        return torch.empty(shape)
    try:
        with tempfile.TemporaryFile(prefix="daecore-") as file:  # the mapping outlives its name
            os.posix_fallocate(file.fileno(), 0, size)  # a disk that fills up later would end the process
            return torch.from_numpy(np.memmap(file, np.float32, "r+", shape=shape))
    except OSError as error:
        raise DataError(
            f"{size:,} bytes are to be kept in a temporary file in {tempfile.gettempdir()}, which cannot be made: "
            f"{error.strerror or error}. Make room there, or name another folder with TMPDIR."
        ) from None
