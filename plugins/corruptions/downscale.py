"""Downscaling by averaging: restoring it is super-resolution."""

from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional as F

from daecore import Corruption, Options, Strength, hookimpl


class Downscale(Options):
    """Squares of pixels are averaged into one: the picture gets smaller."""

    factor: int = Field(default=2, ge=1, le=16, description="side of the averaged square, in pixels")


def downscale(x: Tensor, options: Downscale, *, generator: Generator) -> Tensor:
    """Average squares of pixels; the generator is not used.

    Args:
        x: Images ``(B, C, H, W)``, both sides divisible by the factor.
        options: The factor.
        generator: Unused: averaging is not random.

    Returns:
        The smaller images ``(B, C, H / factor, W / factor)``, with the mean of the originals.
    """
    return F.avg_pool2d(x, options.factor)


def downscale_shape(shape: tuple[int, ...], options: Downscale) -> tuple[int, ...]:
    """The shape of the smaller image.

    Raises:
        ValueError: A side is not divisible by the factor.
    """
    channels, height, width = shape
    if height % options.factor or width % options.factor:
        raise ValueError(f"{height}x{width} pixels are not divisible by {options.factor}; choose another factor")
    return (channels, height // options.factor, width // options.factor)


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `downscale`."""
    return [
        Corruption(
            name="downscale",
            options=Downscale,
            function=downscale,
            shapes="images",
            unbiased=lambda options: options.factor == 1,
            strength=Strength("factor", identity=1, low=2, high=4),
            output_shape=downscale_shape,
        )
    ]
