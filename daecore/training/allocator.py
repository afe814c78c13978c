"""Allocator: what a step has freed is kept for the next one, which would else ask the system for it again.

Knows glibc, and nothing of what is trained.
"""

import ctypes
import os
from contextlib import suppress
from functools import cache as once

TRIM, MAP = -1, -3  # glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, from malloc.h
KEPT_BYTES, MAPPED_BYTES = 64 << 20, 32 << 20  # what is kept at most; the largest block that is (glibc's own limit)


@once
def keep_freed_memory() -> None:
    """Have the process keep some memory that is free; whoever has set MALLOC_* in the environment has decided.

    By itself glibc gives back all above twice the largest block so far, and gets it back in pages full of zeros:
    2 to 10 % of a small network's step.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    with suppress(OSError, AttributeError):  # where the C library is another one
        library = ctypes.CDLL(None)
        library.mallopt(TRIM, KEPT_BYTES)
        library.mallopt(MAP, MAPPED_BYTES)
