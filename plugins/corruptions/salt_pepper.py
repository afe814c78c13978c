"""Salt-and-pepper noise: single pixels turn white or black."""

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Extension, Options, Strength, hookimpl


class SaltPepper(Options):
    """Each pixel turns white or black with probability p, all its channels together."""

    p: float = Field(default=0.1, ge=0, le=1, description="probability that a pixel turns white or black (half each)")


def salt_pepper(x: Tensor, options: SaltPepper, *, generator: Generator) -> tuple[Tensor, Tensor]:
    """Replace pixels: one draw below p/2 is white, from there to p black.

    Args:
        x: Images ``(B, C, H, W)``.
        options: The probability.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The corrupted images ``(B, C, H, W)`` and the replaced pixels, bool ``(B, 1, H, W)``.
    """
    batch, _, height, width = x.shape
    draw = torch.rand((batch, 1, height, width), generator=generator, device=x.device)
    replaced = draw < options.p
    white = (draw < options.p / 2).to(x.dtype)
    return torch.where(replaced, white, x), replaced


@hookimpl
def register_corruptions() -> list[Extension]:
    """Ship `salt_pepper`."""
    return [
        Extension(
            name="salt_pepper",
            options=SaltPepper,
            function=salt_pepper,
            shapes="images",
            random=True,
            unbiased=lambda options: options.p == 0,
            strength=Strength("p", identity=0, low=0.05, high=0.9),
            per_image=True,
        )
    ]
