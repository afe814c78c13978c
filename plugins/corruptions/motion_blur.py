"""Motion blur: the camera moves along a straight line while the shutter is open."""

import math

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional as F

from daecore import Corruption, Options, Strength, hookimpl

POSITIONS = 15  # of the camera, evenly along its way


class MotionBlur(Options):
    """Each picture is averaged along a straight line, in a direction of its own; borders reflect."""

    length: float = Field(default=7.0, ge=0, le=32, description="length of the line, in pixels")


def motion_blur(x: Tensor, options: MotionBlur, *, generator: Generator) -> Tensor:
    """Average bilinear samples along a line through each pixel.

    Args:
        x: Images ``(B, C, H, W)``.
        options: The line's length.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The blurred images ``(B, C, H, W)``.
    """
    batch, _, height, width = x.shape
    angle = math.pi * torch.rand((batch, 1, 1, 1), generator=generator, device=x.device)
    step = torch.cat([angle.cos(), angle.sin()], -1) * options.length  # (B, 1, 1, 2), in pixels
    pixels = torch.stack([_line(width, x)[None, :].expand(height, -1), _line(height, x)[:, None].expand(-1, width)], -1)
    scale = torch.cat([torch.full((1,), 2.0 / side, device=x.device) for side in (width, height)])
    blurred = torch.zeros_like(x)
    with torch.autocast("cuda" if x.is_cuda else "cpu", enabled=False):  # half a pixel is lost in bf16
        for position in range(POSITIONS):
            moved = (pixels + step * (position / (POSITIONS - 1) - 0.5) + 0.5) * scale - 1  # (B, H, W, 2), in -1 ... 1
            blurred += F.grid_sample(x, moved, mode="bilinear", padding_mode="reflection", align_corners=False)
    return blurred / POSITIONS


def _line(size: int, x: Tensor) -> Tensor:
    return torch.arange(size, device=x.device, dtype=x.dtype)


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `motion_blur`."""
    return [
        Corruption(
            name="motion_blur",
            options=MotionBlur,
            function=motion_blur,
            shapes="images",
            random=True,
            unbiased=lambda options: options.length == 0,
            strength=Strength("length", identity=0, low=2, high=15),
            per_image=True,
        )
    ]
