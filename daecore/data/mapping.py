"""Mapping: a file's bytes as an array, read from the system's page cache as they are needed.

What is mapped is private to the process and may be written there without the file changing; until then it takes no
memory of the process, and the system reserves none, so that a file may be larger than memory and swap together. What
others write into the file meanwhile is seen, as Linux has it.
"""

import math
import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daecore.errors import quote

LARGEST = 1 << 62  # bytes
NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)  # Python names it from 3.13 on


def map_file(file: Path | int, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """The beginning of a file as an array of this type and shape.

    Args:
        file: Where it lies, or the number under which it is open.
        dtype: Of the array.
        shape: Of the array.

    Raises:
        OSError: The file is not there.
        ValueError: It is shorter than that.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if min(shape, default=0) < 0 or size > LARGEST:
        raise ValueError(f"no file holds an array of the shape {quote(shape)}")
    if not size:
        return np.empty(shape, kind)
    with open(file, "rb", closefd=not isinstance(file, int)) as opened:
        flags, protection = mmap.MAP_PRIVATE | NO_RESERVE, mmap.PROT_READ | mmap.PROT_WRITE
        mapped = mmap.mmap(opened.fileno(), size, flags=flags, prot=protection)
    return np.frombuffer(mapped, kind).reshape(shape)
