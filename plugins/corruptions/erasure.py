"""Pixel erasure: pixels go dark independently (the lecture's example; masking noise in Vincent et al. 2008)."""

import math
from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor

from daecore import Corruption, Options, Strength, hookimpl

from ..bibliography import cite
from .pixels import pixels

STEPS = 2**16  # a probability is a whole number of these steps


class Erasure(Options):
    """Each pixel is erased with probability p, all its channels together; of a vector each value."""

    p: float = Field(default=0.5, ge=0, le=1, description="probability that a pixel is erased, to 1/65536")
    fill: float = Field(default=0.0, ge=0, le=1, description="value of an erased pixel, in units of full intensity")
    rescale: bool = Field(default=False, description="divide the kept pixels by 1 - p, which makes it unbiased")

    @model_validator(mode="after")
    def _can_rescale(self) -> Self:
        if self.rescale and (self.fill != 0 or _share(self.p) == STEPS):
            raise ValueError(
                "rescale divides the kept pixels by 1 - p so that the mean stays; it needs fill 0 and p below 1, "
                f"got fill {self.fill} and p {self.p}: set rescale to false, or change them"
            )
        return self


def erasure(x: Tensor, options: Erasure, *, generator: Generator) -> tuple[Tensor, Tensor]:
    """Erase pixels: one draw, one comparison, one product.

    Args:
        x: Images ``(B, C, H, W)``, or vectors ``(B, F)`` such as codes.
        options: Probability and fill.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The corrupted images ``(B, C, H, W)`` and the erased pixels, bool ``(B, 1, H, W)``; of vectors both ``(B, F)``.
    """
    share = _share(options.p)
    erased = _draws(pixels(x), x.device, generator) < _threshold(share, x.device)
    corrupted = x * ~erased  # a quarter of the time of `masked_fill` or `where`
    if options.fill:
        corrupted.add_(erased, alpha=options.fill)
    return (corrupted.mul_(STEPS / (STEPS - share)) if options.rescale else corrupted), erased


def _share(p: float | Tensor) -> float | Tensor:
    """How many of the 2^16 numbers of a draw mean "erased"."""
    return torch.round(p * STEPS) if isinstance(p, Tensor) else round(p * STEPS)


def _draws(shape: tuple[int, ...], device: torch.device, generator: Generator) -> Tensor:
    """Uniform int16, four from each number drawn: drawing is the longest part of an erasure."""
    count = math.prod(shape)
    words = torch.empty(-(-count // 4), dtype=torch.int64, device=device).random_(-(2**63), None, generator=generator)
    return words.view(torch.int16)[:count].view(shape)


def _threshold(share: float | Tensor, device: torch.device) -> Tensor:
    """The smallest draw that is kept: int32, as 2^15 (nothing is kept) is no int16."""
    if isinstance(share, Tensor):
        return (share - STEPS // 2).to(torch.int32)
    return torch.full((1,), share - STEPS // 2, dtype=torch.int32, device=device)


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `erasure`."""
    return [
        Corruption(
            name="erasure",
            options=Erasure,
            function=erasure,
            source=cite("vincent2008"),
            random=True,
            unbiased=lambda options: options.rescale or options.p == 0,
            strength=Strength("p", identity=0, low=0.1, high=0.9),
            per_image=True,
        )
    ]
