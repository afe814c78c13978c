"""Comparison: numbers as a run keeps them beside those that came out now, and how much rounding may part them.

A float32 has 24 bits, so that a step of its last one is 1e-7 of the value. Another processor adds the same numbers in
another order, and a network does that layer after layer. bf16 has 8 bits, a step of 8e-3; and on a GPU torch convolves
float32 with the 11 bits of TF32, a step of 1e-3. What was measured stands in docs/decisions/verifying.md.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .record import Compared, Verdict

TOLERANCE = {"float32": 1e-5, "tf32": 4e-3, "bf16": 2e-2}  # of the value
DECIBEL = 10 / math.log(10)  # dB by which a squared error changes, for each part of its value
INTERVAL = {"mean", "low", "high"}
Leaf = float | int | str | bool | None


def tolerance_of(*computed: Mapping[str, str]) -> float:
    """Up to where numbers count as equal that were computed so: the coarsest of the precisions decides."""
    return max(TOLERANCE[_arithmetic(one)] for one in computed)


def compare_figures(kept: Any, now: Any, prefix: str, tolerance: float) -> list[Compared]:
    """Every figure of two reports, by its path.

    Args:
        kept: JSON that a run keeps: nested mappings and lists.
        now: The same as it came out now.
        prefix: What the paths begin with.
        tolerance: Up to which part of its value a squared error counts as equal; dB by as much as that changes them.
    """
    before, after = dict(_leaves(kept, prefix)), dict(_leaves(now, prefix))
    paths = [*before, *(path for path in after if path not in before)]
    nothing = (None, 0.0)
    return [_compare(path, before.get(path, nothing), after.get(path, nothing)[0], tolerance) for path in paths]


def compare_arrays(
    kept: Mapping[str, NDArray[Any]], now: Mapping[str, NDArray[Any]], prefix: str, tolerance: float
) -> list[Compared]:
    """Arrays by their names, number by number; what only one side has is left out."""
    names = [name for name in kept if name in now]
    return [_compare_array(f"{prefix}.{name}", kept[name], now[name], tolerance) for name in names]


def compare_weights(
    name: str, kept: Mapping[str, Tensor] | None, now: Mapping[str, Tensor], digests: tuple[str, str], tolerance: float
) -> Compared:
    """Two networks' weights: by their digests, and where these differ by their distance.

    Args:
        name: Whose they are.
        kept: The run's; None where they are gone.
        now: Those that came out.
        digests: Of both.
        tolerance: Up to which part of their length weights count as equal.
    """
    before, after = digests
    found = {"name": name, "kept": before, "now": after}
    if before == after:
        return Compared(verdict="bit-equal", **found)
    if kept is None or {key: it.shape for key, it in kept.items()} != {key: it.shape for key, it in now.items()}:
        return Compared(verdict="different", **found)
    apart = sum(float((now[key].double() - it.double()).square().sum()) for key, it in kept.items()) ** 0.5
    long = sum(float(it.double().square().sum()) for it in kept.values()) ** 0.5
    distance = apart / long if long else apart
    return Compared(verdict=_verdict(distance <= tolerance), difference=distance, **found)


def _arithmetic(computed: Mapping[str, str]) -> str:
    if computed.get("precision") == "bf16":
        return "bf16"
    return "tf32" if computed.get("device") == "cuda" else "float32"


def _leaves(value: Any, path: str, scale: float = 0.0) -> Iterator[tuple[str, tuple[Leaf, float]]]:
    """Every figure, and beside what it is large: the ends of an interval beside the largest of them."""
    parts = enumerate(value) if isinstance(value, list | tuple) else value.items() if isinstance(value, dict) else None
    if parts is None:
        yield path, (value, scale or (abs(value) if isinstance(value, float) else 0.0))
        return
    if isinstance(value, dict) and value.keys() >= INTERVAL:
        scale = max(abs(float(value[end])) for end in INTERVAL)
    for key, item in parts:
        yield from _leaves(item, f"{path}.{key}", scale)


def _compare(path: str, before: tuple[Leaf, float], now: Leaf, tolerance: float) -> Compared:
    kept, scale = before
    if kept == now:
        return Compared(name=path, verdict="bit-equal", kept=_shown(kept), now=_shown(now))
    if not (isinstance(kept, float) and isinstance(now, float)):  # counts and names are equal or not
        return Compared(name=path, verdict="different", kept=_shown(kept), now=_shown(now))
    difference = abs(now - kept)
    verdict = _verdict(difference <= tolerance * (DECIBEL if _is_decibel(path) else scale))
    return Compared(name=path, verdict=verdict, kept=kept, now=now, difference=difference)


def _compare_array(name: str, kept: NDArray[Any], now: NDArray[Any], tolerance: float) -> Compared:
    """Number by number; one that is small for its kind is compared beside the mean."""
    if kept.shape == now.shape and kept.dtype == now.dtype and kept.tobytes() == now.tobytes():
        return Compared(name=name, verdict="bit-equal", difference=0.0)
    if kept.shape != now.shape or kept.dtype.kind != "f":
        return Compared(name=name, verdict="different", remark=f"{kept.shape} then, {now.shape} now")
    before, after = kept.astype(np.float64), now.astype(np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.where(before == after, 0.0, np.abs(after - before))
        scale = DECIBEL if _is_decibel(name) else np.maximum(np.abs(before), np.abs(before).mean())
        within = bool((apart <= tolerance * scale).all())
    return Compared(
        name=name,
        verdict=_verdict(within),
        difference=float(apart.max()) if np.isfinite(apart).all() else None,
        remark=f"{int((before != after).sum())} of {before.size} differ",
    )


def _is_decibel(path: str) -> bool:
    return any(part == "db" or part.endswith("_db") for part in path.split("."))


def _verdict(within: bool) -> Verdict:
    return "equal within tolerance" if within else "different"


def _shown(value: Leaf) -> float | str | None:
    return value if value is None or isinstance(value, float) else str(value)
