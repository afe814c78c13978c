"""Gradient magnitude similarity deviation: how unevenly edges are kept."""

import torch
from torch import Tensor
from torch.nn import functional as F

from daecore import Metric, Options, hookimpl

from ..bibliography import cite

CONSTANT = 170 / 255**2  # the paper's, of values up to 255
LUMA = (0.299, 0.587, 0.114)
PREWITT = ((1 / 3, 0.0, -1 / 3),) * 3


class Gmsd(Options):
    """Gradient magnitude similarity deviation of each image (Xue et al. 2014): 0 where all edges are kept."""


def gmsd(restored: Tensor, clean: Tensor, options: Gmsd) -> Tensor:
    """The standard deviation of the similarity of gradient magnitudes, pixel by pixel.

    Images are averaged over squares of 2x2 pixels first; gradients are Prewitt's. Colour is taken as its luma.

    Source: Xue, Zhang, Mou, Bovik, "Gradient magnitude similarity deviation", IEEE TIP 23(2), 2014, equations 1 to 6.

    Args:
        restored: float32 ``(B, C, H, W)``, C = 1 or 3; clipped to ``[0, 1]`` first.
        clean: float32 ``(B, C, H, W)`` in ``[0, 1]``.
        options: It has none.

    Returns:
        float32 ``(B,)``.
    """
    given, wanted = _magnitudes(restored.clamp(0, 1)), _magnitudes(clean)
    similarity = (2 * given * wanted + CONSTANT) / (given.square() + wanted.square() + CONSTANT)
    return similarity.flatten(1).std(1, correction=0)


def _magnitudes(images: Tensor) -> Tensor:
    """The lengths of gradients, ``(B, 1, H // 2, W // 2)``."""
    grey = images if images.shape[1] == 1 else torch.einsum("bchw,c->bhw", images, images.new_tensor(LUMA))[:, None]
    halved = F.avg_pool2d(grey, 2)
    across = images.new_tensor(PREWITT)
    gradients = F.conv2d(halved, torch.stack([across, across.T])[:, None], padding=1)
    return gradients.square().sum(1, keepdim=True).sqrt()


@hookimpl
def register_metrics() -> list[Metric]:
    """Ship `gmsd`."""
    return [
        Metric(
            name="gmsd",
            options=Gmsd,
            function=gmsd,
            source=cite("xue2014"),
            shapes="images",
            higher_is_better=False,
        )
    ]
