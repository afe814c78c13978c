"""Pixels of a batch: what is drawn for once, all channels of a picture together."""

from torch import Tensor


def pixels(x: Tensor) -> tuple[int, ...]:
    """One place for each pixel: ``(B, 1, H, W)`` for images ``(B, C, H, W)``, ``(B, F)`` for vectors ``(B, F)``."""
    return (x.shape[0], 1, *x.shape[2:]) if x.dim() == 4 else tuple(x.shape)
