"""Interpolation: images enlarged by rules that learn nothing, with the weights Pillow gives each pixel.

Knows tensors and Pillow. Does not score.
"""

from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor

Method = Literal["nearest", "bilinear", "bicubic", "lanczos"]
INTERPOLATIONS: tuple[Method, ...] = get_args(Method)
"""Every method that `interpolate` knows, the simplest first."""


def interpolate(x: Tensor, size: tuple[int, int], method: Method) -> Tensor:
    """Resize a batch of images as ``PIL.Image.resize`` does with images of floats, all at once.

    Every one of these rules weighs rows, then columns, and does so linearly. What Pillow makes of unit impulses is
    therefore the whole rule: ``rows @ x @ columns^T``. Nothing is clipped: bicubic and Lanczos overshoot.

    Args:
        x: float32 ``(B, C, H, W)``.
        size: Height and width to be reached.
        method: ``nearest``, ``bilinear``, ``bicubic`` (cubic convolution, a = -0.5) or ``lanczos`` (three lobes).

    Returns:
        float32 ``(B, C, *size)``.

    Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 29(6), 1981; Duchon,
    "Lanczos filtering in one and two dimensions", J. Appl. Meteorology 18(8), 1979.
    """
    rows = _weights(x.shape[-2], size[0], method).to(x.device)
    columns = _weights(x.shape[-1], size[1], method).to(x.device)
    enlarged: Tensor = rows @ x @ columns.T
    return enlarged


@lru_cache(maxsize=64)
def _weights(before: int, after: int, method: Method) -> Tensor:
    """What each of ``after`` pixels takes of each of ``before`` on one axis: float32 ``(after, before)``."""
    impulses = Image.fromarray(np.eye(before, dtype=np.float32))  # one impulse a column
    resized = impulses.resize((before, after), Image.Resampling[method.upper()])
    return torch.from_numpy(np.array(resized))
