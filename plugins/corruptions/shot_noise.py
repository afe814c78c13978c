"""Shot noise: light arrives as single photons, so bright pixels are noisier (Poisson)."""

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Corruption, Options, Strength, hookimpl


class ShotNoise(Options):
    """Each value becomes a Poisson count of photons: the fewer photons, the noisier."""

    peak: float = Field(default=30.0, ge=0.1, le=10_000, description="mean number of photons at full intensity")


def shot_noise(x: Tensor, options: ShotNoise, *, generator: Generator) -> Tensor:
    """Count photons: ``Poisson(x peak) / peak``.

    Args:
        x: Images ``(B, C, H, W)``. No light is negative, but an earlier noise may leave such values: they count their
            magnitude and keep their sign, so that the chain stays without bias.
        options: The mean number of photons of a white pixel.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The corrupted images ``(B, C, H, W)``, not clipped: variance ``x / peak``.
    """
    counts = torch.poisson(x.abs().mul_(options.peak), generator=generator)
    return counts.div_(options.peak).copysign_(x)


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `shot_noise`."""
    return [
        Corruption(
            name="shot_noise",
            options=ShotNoise,
            function=shot_noise,
            shapes="images",
            random=True,
            unbiased=True,
            strength=Strength("peak", identity=None, low=255, high=5),  # fewer photons, stronger noise
            per_image=True,
        )
    ]
