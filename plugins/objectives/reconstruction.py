"""How far restored values are from the clean ones: squared error, or cross-entropy of values in [0, 1]."""

from typing import Literal

import torch
from torch import Tensor

from daecore import comparable

Measure = Literal["squared", "cross_entropy"]
TINY, BELOW_ONE = torch.finfo(torch.float32).tiny, 1 - 2**-24  # the float32 numbers next to 0 and 1, between them


def value_errors(restored: Tensor, clean: Tensor, loss: Measure) -> Tensor:
    """The error of each value, in float32.

    The cross-entropy ``-t log y - (1 - t) log(1 - y)`` of a clean value t and a restored one y is in nats; y is kept by
    one step of float32 from 0 and 1. All errors are NaN where some value lies outside of ``[0, 1]``: nothing waits for
    the device to find that out, and the loop stops at the first loss that is not finite.

    Source: Vincent et al., JMLR 11, 2010, section 2.2, equation 4.

    Args:
        restored: ``(B, *shape)``.
        clean: float32 ``(B, *shape)``.
        loss: Which error.
    """
    restored = comparable(restored, clean)
    if loss == "squared":
        return (restored - clean).square()
    probability = restored.clamp(TINY, BELOW_ONE)
    # Two logarithms and a blend, all by vector instructions on a CPU, as neither `log1p` nor `binary_cross_entropy` is.
    # 1 - y is exact above a half, and below it off by 6e-8 at most.
    likelihood = torch.lerp(torch.log(1 - probability), torch.log(probability), clean)
    return torch.where(_within(restored) & _within(clean), 0.0, torch.nan) - likelihood


def _within(values: Tensor) -> Tensor:
    """Whether all values lie in [0, 1], on their device."""
    low, high = values.detach().aminmax()
    return (low >= 0) & (high <= 1)


def needs_bounds(options: object) -> bool:
    """Whether the options choose the cross-entropy, which is for values in [0, 1]."""
    return getattr(options, "loss", "squared") == "cross_entropy"
