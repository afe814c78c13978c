"""Whether code leaves the process's global random states alone."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from daecore.testing.contract import Violation


@contextmanager
def leaves_global_state(mend: str) -> Iterator[None]:
    """Raise a violation if the code inside draws from, or seeds, a global generator.

    Args:
        mend: What to do about it.
    """
    before = _states()
    yield
    changed = [name for name, state in _states().items() if state != before[name]]
    if changed:
        raise Violation(
            "the global random state as it was: runs must not depend on what ran before",
            f"the state of {', '.join(changed)} changed",
            mend,
        )


def _states() -> dict[str, object]:
    numpy = np.random.get_state(legacy=False)
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy.random": repr(numpy),
        "random": random.getstate(),
    }
