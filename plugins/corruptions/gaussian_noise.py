"""Additive Gaussian noise, independent for every value; for images and for points."""

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Corruption, Options, Strength, hookimpl


class GaussianNoise(Options):
    """Gaussian noise is added to every value."""

    sigma: float = Field(default=0.3, ge=0, le=10, description="standard deviation, in units of full intensity")
    clip: bool = Field(default=False, description="clip to [0, 1] afterwards, which biases the noise")


def gaussian_noise(x: Tensor, options: GaussianNoise, *, generator: Generator) -> Tensor:
    """Add noise: ``x + sigma n``, n standard normal.

    Args:
        x: Samples ``(B, *shape)``.
        options: Standard deviation, and whether to clip.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The corrupted samples ``(B, *shape)``; without ``clip`` they may leave ``[0, 1]``.
    """
    noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    noisy = noise.mul_(options.sigma).add_(x)
    return noisy.clamp_(0, 1) if options.clip else noisy


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `gaussian_noise`."""
    return [
        Corruption(
            name="gaussian_noise",
            options=GaussianNoise,
            function=gaussian_noise,
            random=True,
            unbiased=lambda options: not options.clip,
            strength=Strength("sigma", identity=0, low=0.05, high=1),
            per_image=True,
            gaussian_sigma=lambda options: 0.0 if options.clip else options.sigma,
        )
    ]
