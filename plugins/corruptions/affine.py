"""Affine: every picture is turned, moved, scaled and sheared by amounts of its own, about its middle."""

import math

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional as F

from daecore import Corruption, Options, Strength, hookimpl


class Affine(Options):
    """The picture is turned, moved, scaled and sheared at random; outside of it is black."""

    amount: float = Field(default=1.0, ge=0, le=10, description="all the ranges below are taken times this; 0: nothing")
    rotation: float = Field(default=15.0, ge=0, le=180, description="turned by up to so many degrees, either way")
    shift: float = Field(default=2.0, ge=0, le=1024, description="moved by up to so many pixels along each axis")
    scale: float = Field(default=0.1, ge=0, le=2, description="enlarged or reduced by up to a factor of e to this")
    shear: float = Field(default=0.1, ge=0, le=2, description="each row moved by up to so many pixels for each above")


def affine(x: Tensor, options: Affine, *, generator: Generator) -> Tensor:
    """Draw five numbers a picture, and look up where each pixel comes from, bilinearly.

    A pixel at ``q``, in pixels from the middle, shows what was at ``A q + b``: A turns, scales and shears, b moves.

    Args:
        x: Images ``(B, C, H, W)``.
        options: The ranges; each number is uniform within its own.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The changed images ``(B, C, H, W)``.
    """
    where = "cpu" if x.device.type == "meta" else x.device
    drawn = torch.rand((x.shape[0], 5), generator=generator, device=where).to(x.device).mul(2).sub(1)
    ranges = (math.radians(options.rotation), options.scale, options.shear, options.shift, options.shift)
    amount = torch.as_tensor(options.amount, dtype=drawn.dtype, device=x.device).reshape(-1, 1)
    angle, scale, shear, right, down = (drawn * amount * drawn.new_tensor(ranges)).unbind(1)  # (B,) each
    cosine, sine = angle.cos() * scale.exp(), angle.sin() * scale.exp()
    half_width, half_height = x.shape[3] / 2, x.shape[2] / 2
    # grid_sample measures each axis in half sides: what joins the two axes is rescaled.
    across = torch.stack((cosine, (cosine * shear - sine) * (half_height / half_width), right / half_width), 1)
    along = torch.stack((sine * (half_width / half_height), sine * shear + cosine, down / half_height), 1)
    with torch.autocast("cuda" if x.is_cuda else "cpu", enabled=False):
        grid = F.affine_grid(torch.stack((across, along), 1), list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `affine`."""
    return [
        Corruption(
            name="affine",
            options=Affine,
            function=affine,
            shapes="images",
            random=True,
            strength=Strength("amount", identity=0, low=0.25, high=2),
            per_image=True,
        )
    ]
