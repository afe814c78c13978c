"""Salt-and-pepper noise: single pixels turn white or black."""

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Corruption, Options, Strength, hookimpl

from .pixels import pixels


class SaltPepper(Options):
    """Each pixel turns white or black with probability p, all its channels together; of a vector each value."""

    p: float = Field(default=0.1, ge=0, le=1, description="probability that a pixel turns white or black (half each)")
    low: float = Field(default=0.0, ge=-100, le=100, description="black, in units of full intensity")
    high: float = Field(default=1.0, ge=-100, le=100, description="white, in units of full intensity")


def salt_pepper(x: Tensor, options: SaltPepper, *, generator: Generator) -> tuple[Tensor, Tensor]:
    """Replace pixels: one draw below p/2 is white, from there to p black.

    Args:
        x: Images ``(B, C, H, W)``, or vectors ``(B, F)`` such as codes, whose values turn alike.
        options: The probability, and the two values; those of data outside of ``[0, 1]`` are another pair.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The corrupted images ``(B, C, H, W)`` and the replaced pixels, bool ``(B, 1, H, W)``; ``(B, F)`` of vectors.
    """
    draw = torch.rand(pixels(x), generator=generator, device=x.device)
    replaced = draw < options.p
    values = (draw < options.p / 2).to(x.dtype).mul_(options.high - options.low).add_(options.low)
    return torch.where(replaced, values, x), replaced


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `salt_pepper`."""
    return [
        Corruption(
            name="salt_pepper",
            options=SaltPepper,
            function=salt_pepper,
            random=True,
            unbiased=lambda options: options.p == 0,
            strength=Strength("p", identity=0, low=0.05, high=0.9),
            per_image=True,
        )
    ]
