"""Named random streams: independent, reproducible in every process, and never the global state.

Knows seeds and names. Does not know what the numbers are for.
"""

import hashlib
import json

import torch

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
