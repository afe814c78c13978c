"""How far restored values are from the clean ones: squared error, or cross-entropy of values in [0, 1]."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Loss = Literal["squared", "cross_entropy"]


def value_errors(restored: Tensor, clean: Tensor, loss: Loss) -> Tensor:
    """The error of each value, in float32.

    The cross-entropy ``-t log y - (1 - t) log(1 - y)`` of a clean value t and a restored one y is in nats, and at most
    100: so are the logarithms cut. It is NaN where either lies outside of ``[0, 1]``; nothing waits for the device to
    find that out, and the loop stops at the first loss that is not finite.

    Source: Vincent et al., JMLR 11, 2010, section 2.2, equation 4.

    Args:
        restored: ``(B, *shape)``.
        clean: float32 ``(B, *shape)``.
        loss: Which error.
    """
    restored = restored.float()
    if loss == "squared":
        return (restored - clean).square()
    inside = (restored >= 0) & (restored <= 1) & (clean >= 0) & (clean <= 1)
    with torch.autocast(restored.device.type, enabled=False):
        errors = F.binary_cross_entropy(torch.where(inside, restored, 0.5), clean, reduction="none")
    return torch.where(inside, errors, torch.nan)


def needs_bounds(options: object) -> bool:
    """Whether the options choose the cross-entropy, which is for values in [0, 1]."""
    return getattr(options, "loss", "squared") == "cross_entropy"
