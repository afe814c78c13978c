"""Halves: two disjoint sets of training images, also without those that the halves nearly share.

Knows images and the order they were drawn in. Does not know where they come from.
"""

import torch
from torch import Tensor

from daecore import DataError

ROWS = 2_000  # images compared at a time


def choose_half(images: Tensor, order: Tensor, half: str, count: int, apart: float) -> Tensor:
    """Which images one of the halves holds.

    Args:
        images: uint8 ``(N, C, H, W)``.
        order: int64 ``(M,)``, positions of the training images; its first and second half are the two halves.
        half: ``a`` or ``b``.
        count: How many of each half are kept, the first ones; 0: all.
        apart: Of these, images that are nearer than this to one of the other half are left out, in both halves alike:
            the Euclidean distance over pixels in units of full intensity. 0: none is.

    Returns:
        Positions, int64, in the order of ``order``.

    Raises:
        DataError: None is left.
    """
    middle = -(-len(order) // 2)
    first, second = order[:middle][: count or None], order[middle:][: count or None]
    own, other = (first, second) if half == "a" else (second, first)
    if apart:
        own = own[measure_nearest(images[own], images[other]) >= apart]
    if not len(own):
        raise DataError(
            f"No image of half {half!r} is at least {apart:g} away from every image of the other half. Give the option "
            "apart a smaller value; of handwritten digits one in two has a neighbour nearer than 4.5."
        )
    return own


def measure_nearest(images: Tensor, others: Tensor) -> Tensor:
    """How far each image is from the nearest of the others, in units of full intensity: ``(N,)``.

    Args:
        images: uint8 ``(N, C, H, W)``.
        others: uint8 ``(M, C, H, W)``, M >= 1.
    """
    known = others.flatten(1).float() / 255
    square, parts = known.square().sum(1), []
    for few in images.split(ROWS):
        x = few.flatten(1).float() / 255
        parts.append(torch.addmm(square, x, known.T, alpha=-2).amin(1) + x.square().sum(1))
    return torch.cat(parts).clamp_min(0).sqrt()
