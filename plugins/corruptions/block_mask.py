"""Block masking: squares at random places are covered (the lecture's 10x10 and 16x16)."""

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Corruption, Options, Strength, hookimpl


class BlockMask(Options):
    """Squares at random places, wholly inside the picture, are covered."""

    size: int = Field(default=10, ge=0, le=1024, description="side of a square, in pixels")
    count: int = Field(default=1, ge=1, le=16, description="number of squares; they may overlap")
    fill: float = Field(default=0.0, ge=0, le=1, description="value of a covered pixel, in units of full intensity")


def block_mask(x: Tensor, options: BlockMask, *, generator: Generator) -> tuple[Tensor, Tensor]:
    """Cover squares, each at a place of its own for every image.

    Args:
        x: Images ``(B, C, H, W)``.
        options: Side, number and value of the squares.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The corrupted images ``(B, C, H, W)`` and the covered pixels, bool ``(B, 1, H, W)``.
    """
    rows = _cover(x.shape[-2], x, options, generator)[..., :, None]  # (B, count, H, 1)
    columns = _cover(x.shape[-1], x, options, generator)[..., None, :]  # (B, count, 1, W)
    covered = (rows & columns).any(dim=1, keepdim=True)
    return x.masked_fill(covered, options.fill), covered


def block_mask_shape(shape: tuple[int, ...], options: BlockMask) -> tuple[int, ...]:
    """The shape stays; the square must fit in.

    Raises:
        ValueError: It does not.
    """
    if options.size > min(shape[-2:]):
        raise ValueError(
            f"a square of side {options.size} does not fit into {shape[-2]}x{shape[-1]} pixels; "
            f"choose a size of at most {min(shape[-2:])}"
        )
    return shape


def _cover(length: int, x: Tensor, options: BlockMask, generator: Generator) -> Tensor:
    """Which positions of one axis the squares cover: bool ``(B, count, length)``."""
    shape = (x.shape[0], options.count, 1)
    first = torch.randint(length - options.size + 1, shape, generator=generator, device=x.device)
    position = torch.arange(length, device=x.device)
    return (position >= first) & (position < first + options.size)


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `block_mask`."""
    return [
        Corruption(
            name="block_mask",
            options=BlockMask,
            function=block_mask,
            shapes="images",
            random=True,
            unbiased=lambda options: options.size == 0,
            strength=Strength("size", identity=0, low=4, high=20),
            output_shape=block_mask_shape,
        )
    ]
