"""Named random streams: independent, reproducible in every process, and never the global state.

Knows seeds and names. Does not know what the numbers are for.
"""

import hashlib
import json

import numpy as np
import torch
from numpy.typing import NDArray

_written = json.JSONEncoder(separators=(",", ":")).encode


def stream(seed: int, *names: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator for one purpose.

    Two streams with another seed or another name are independent; the same ones give the same
    numbers in every process (the seed is a SHA-256 of the names, never Python's salted ``hash``).

    Args:
        seed: The experiment's seed.
        names: What the numbers are for, from the general to the particular, e.g. ``"noise", epoch, step``.
        device: Where the random tensors will lie. The ``meta`` device has no generator of its own and
            is given a CPU one.
    """
    value = int.from_bytes(hashlib.sha256(_written([seed, *names]).encode()).digest()[:8], "big") >> 1
    kind = torch.device(device)
    return torch.Generator("cpu" if kind.type == "meta" else kind).manual_seed(value)


def scatter(seed: int, *names: str | int, place: NDArray[np.uint64], below: NDArray[np.int64]) -> NDArray[np.int64]:
    """Random whole numbers by their place: each is the same whichever others are asked for.

    What a stream gives depends on what was drawn before; here nothing is, so that samples may be drawn in any order.

    Args:
        seed: The experiment's seed.
        names: What the numbers are for.
        place: Which ones, ``(K,)``.
        below: Each is at least 0 and below its bound, ``(K,)``, at most 2 ** 32.

    Returns:
        ``(K,)``, equally probable to within 2 ** -32.

    Source: the mixing function: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014;
    numbers below a bound from a product: Lemire, ACM TOMACS 29(1), 2019.
    """
    start = np.uint64(int.from_bytes(hashlib.sha256(_written([seed, *names]).encode()).digest()[:8], "big"))
    mixed = (place + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + start  # modulo 2 ** 64, as all of it
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(32)) * below.astype(np.uint64) >> np.uint64(32)).astype(np.int64)
