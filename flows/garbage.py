"""Garbage: not looked for while libraries are imported, whose million objects stay.

Looking took a sixth of a queued run's processor time, and a third of what imports take.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

COLLECTED_AT = gc.get_threshold()  # as Python has it; `dae` looks for garbage less often until its imports are made


@contextmanager
def without_collections() -> Iterator[None]:
    """A block of imports: no garbage is looked for among them, now and later.

    From then on it is looked for as often as usual: what a training leaves may be large.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*COLLECTED_AT)
        gc.enable()
