"""Pixel erasure: pixels go dark independently (the lecture's example; masking noise in Vincent et al. 2008)."""

from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor

from daecore import Extension, Options, Strength, hookimpl


class Erasure(Options):
    """Each pixel is erased with probability p, all its channels together."""

    p: float = Field(default=0.5, ge=0, le=1, description="probability that a pixel is erased")
    fill: float = Field(default=0.0, ge=0, le=1, description="value of an erased pixel, in units of full intensity")
    rescale: bool = Field(default=False, description="divide the kept pixels by 1 - p, which makes it unbiased")

    @model_validator(mode="after")
    def _can_rescale(self) -> Self:
        if self.rescale and (self.fill != 0 or self.p == 1):
            raise ValueError(
                "rescale divides the kept pixels by 1 - p so that the mean stays; it needs fill 0 and p below 1, "
                f"got fill {self.fill} and p {self.p}: set rescale to false, or change them"
            )
        return self


def erasure(x: Tensor, options: Erasure, *, generator: Generator) -> tuple[Tensor, Tensor]:
    """Erase pixels: one draw, one comparison, one product.

    Args:
        x: Images ``(B, C, H, W)``.
        options: Probability and fill.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The corrupted images ``(B, C, H, W)`` and the erased pixels, bool ``(B, 1, H, W)``.
    """
    batch, _, height, width = x.shape
    # Integers cost half of `torch.rand`, and a product a quarter of `masked_fill` or `where`.
    draws = torch.empty((batch, 1, height, width), dtype=torch.int32, device=x.device).random_(generator=generator)
    erased = draws <= _share(options.p)
    corrupted = x * ~erased
    if options.fill:
        corrupted.add_(erased, alpha=options.fill)
    return (corrupted.div_(1 - options.p) if options.rescale else corrupted), erased


def _share(p: float | Tensor) -> Tensor:
    """The largest of the integers 0 ... 2^31 - 1 that means "erased": -1 at p = 0, all of them at p = 1."""
    return torch.as_tensor(p, dtype=torch.float64).mul(2**31).round().sub(1).to(torch.int32)


@hookimpl
def register_corruptions() -> list[Extension]:
    """Ship `erasure`."""
    return [
        Extension(
            name="erasure",
            options=Erasure,
            function=erasure,
            shapes="images",
            random=True,
            unbiased=lambda options: options.rescale or options.p == 0,
            strength=Strength("p", identity=0, low=0.1, high=0.9),
            per_image=True,
        )
    ]
