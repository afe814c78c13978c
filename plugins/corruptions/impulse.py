"""Random-valued impulse noise: single pixels take any value (salt and pepper takes two)."""

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Corruption, Options, Strength, hookimpl


class Impulse(Options):
    """Each pixel is replaced, with probability p, by a random value, uniform over the range of intensities."""

    p: float = Field(default=0.2, ge=0, le=1, description="probability that a pixel is replaced")


def impulse(x: Tensor, options: Impulse, *, generator: Generator) -> tuple[Tensor, Tensor]:
    """Replace pixels, each channel by a value of its own.

    Args:
        x: Images ``(B, C, H, W)``.
        options: The probability.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The corrupted images ``(B, C, H, W)`` and the replaced pixels, bool ``(B, 1, H, W)``.
    """
    batch, _, height, width = x.shape
    replaced = torch.rand((batch, 1, height, width), generator=generator, device=x.device) < options.p
    values = torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    return torch.where(replaced, values, x), replaced


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `impulse`."""
    return [
        Corruption(
            name="impulse",
            options=Impulse,
            function=impulse,
            shapes="images",
            random=True,
            unbiased=lambda options: options.p == 0,
            strength=Strength("p", identity=0, low=0.05, high=0.9),
            per_image=True,
        )
    ]
