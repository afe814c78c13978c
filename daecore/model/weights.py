"""Weights: whether named tensors that came from a file are those of a network, told in one clause.

Knows names, shapes, types and values. Does not know files, nor what a network is for.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from daecore.data.tensor_rule import kind_of
from daecore.errors import quote


def misfit(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """How tensors differ from a network's own in names, shapes and types; empty where they do not.

    Args:
        found: What came.
        expected: The network's own; on the meta device, too.

    >>> misfit({"a": torch.zeros(2), "c": torch.zeros(1)}, {"a": torch.zeros(3), "b": torch.zeros(1)})
    "1 is missing ('b'), 1 is unknown ('c'), 1 is of another shape or type ('a': float32 (2,) instead of float32 (3,))"
    """
    missing = [quote(name) for name in expected if name not in found]
    unknown = [quote(name) for name in found if name not in expected]
    other = [
        f"{quote(name)}: {kind_of(found[name])} instead of {kind_of(own)}"
        for name, own in expected.items()
        if name in found and kind_of(found[name]) != kind_of(own)
    ]
    kinds = {"missing": missing, "unknown": unknown, "of another shape or type": other}
    return ", ".join(_number_of(names, what) for what, names in kinds.items() if names)


def non_finite(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """The name of the first tensor that holds NaN or infinity where the network's own does not; empty if none does.

    A network may hold infinity on purpose, as in a mask that it adds.

    Args:
        found: What came.
        expected: The network's own, as it was built: of the same names, shapes and types.
    """
    return next((name for name, value in found.items() if not _as_finite_as(value, expected[name])), "")


def _as_finite_as(value: Tensor, own: Tensor) -> bool:
    if value.is_floating_point() and value.numel():
        low, high = value.aminmax()  # one pass that allocates nothing; NaN comes through
        if math.isfinite(low.item()) and math.isfinite(high.item()):
            return True
    return torch.equal(value.isfinite().cpu(), own.isfinite().cpu())


def _number_of(names: list[str], what: str) -> str:
    first = names[0] if len(names) == 1 else f"the first is {names[0]}"
    return f"{len(names):,} {'is' if len(names) == 1 else 'are'} {what} ({first})"
