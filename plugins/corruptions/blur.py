"""Gaussian blur with reflecting borders, as two small matrix products.

With half-sample symmetric borders (``c b a | a b c``) the blur of a row is a symmetric matrix whose rows
sum to one: columns do so too, and the mean of the image stays. A matrix has no radius that could outgrow the image.
"""

from math import ceil

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Corruption, Options, Strength, hookimpl

SIGMA_MAX = 16.0  # pixels
REACH = ceil(6 * SIGMA_MAX)  # pixels; beyond six sigma a Gaussian is below the precision of float32


class Blur(Options):
    """The picture is blurred by a Gaussian; borders reflect."""

    sigma: float = Field(default=2.0, ge=0, le=SIGMA_MAX, description="standard deviation of the blur, in pixels")


def blur(x: Tensor, options: Blur, *, generator: Generator) -> Tensor:
    """Blur columns, then rows; the generator is not used.

    Args:
        x: Images ``(B, C, H, W)``.
        options: The standard deviation.
        generator: Unused: a blur is not random.

    Returns:
        The blurred images ``(B, C, H, W)``, with the mean of the originals.
    """
    sigma = torch.as_tensor(options.sigma, dtype=x.dtype, device=x.device)
    vertical = _reflecting_gaussian(x.shape[-2], sigma)
    horizontal = _reflecting_gaussian(x.shape[-1], sigma)
    # Autocast would round both products to bf16: training would see another blur than evaluation.
    with torch.autocast("cuda" if x.is_cuda else "cpu", enabled=False):
        return vertical @ x @ horizontal


def _reflecting_gaussian(size: int, sigma: Tensor) -> Tensor:
    """The blur of one axis as a symmetric matrix ``(..., size, size)``, summed over the pixels' mirror images."""
    position = torch.arange(size, device=sigma.device)
    copies = 1 + REACH // (2 * size)
    shift = 2 * size * torch.arange(-copies, copies + 1, device=sigma.device)[:, None, None]
    direct = position[:, None] - position + shift  # (copies, size, size)
    mirrored = position[:, None] + position + 1 + shift
    narrowest = 1e-3  # pixels: a division by zero is avoided, and the matrix is exactly the identity
    width = sigma.clamp_min(narrowest)[..., None]
    weight = (-0.5 * (torch.cat((direct, mirrored)) / width).square()).exp().sum(-3)
    return weight / weight.sum(-1, keepdim=True)


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `blur`."""
    return [
        Corruption(
            name="blur",
            options=Blur,
            function=blur,
            shapes="images",
            unbiased=lambda options: options.sigma == 0,
            strength=Strength("sigma", identity=0, low=0.5, high=4),
            per_image=True,
        )
    ]
