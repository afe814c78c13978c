"""Speckle: noise that grows with the signal, as in radar and ultrasound."""

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Corruption, Options, Strength, hookimpl


class Speckle(Options):
    """Each value is multiplied by a random factor around one: bright pixels are noisier, black ones stay."""

    sigma: float = Field(default=0.4, ge=0, le=10, description="standard deviation of the factor (no unit)")


def speckle(x: Tensor, options: Speckle, *, generator: Generator) -> Tensor:
    """Multiply: ``x (1 + sigma n)``, n standard normal.

    Args:
        x: Images ``(B, C, H, W)``.
        options: The factor's standard deviation.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The corrupted images ``(B, C, H, W)``, not clipped.
    """
    noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    return noise.mul_(options.sigma).add_(1).mul_(x)


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `speckle`."""
    return [
        Corruption(
            name="speckle",
            options=Speckle,
            function=speckle,
            shapes="images",
            random=True,
            unbiased=True,
            strength=Strength("sigma", identity=0, low=0.1, high=1.5),
            per_image=True,
        )
    ]
