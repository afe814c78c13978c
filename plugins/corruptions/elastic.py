"""Elastic: every picture is warped by a smooth random field of its own, as a hand that trembles would."""

import math

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional as F

from daecore import Corruption, Options, Strength, hookimpl


class Elastic(Options):
    """The picture is warped by a smooth random field of displacements; borders go on as they end."""

    displacement: float = Field(default=1.0, ge=0, le=64, description="how far pixels move along each axis, rms pixels")
    sigma: float = Field(default=4.0, ge=0.5, le=32, description="how smooth the field is: its blur's sigma, in pixels")


def elastic(x: Tensor, options: Elastic, *, generator: Generator) -> Tensor:
    """Draw white noise, blur it to a field of the wished rms, and look up where each pixel comes from, bilinearly.

    Args:
        x: Images ``(B, C, H, W)``.
        options: How far and how smoothly.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The warped images ``(B, C, H, W)``.

    Source: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document
    analysis", ICDAR 2003; their alpha of 34 at sigma 4 is a displacement of 1.4 pixels.
    """
    height, width = x.shape[2:]
    far = torch.as_tensor(options.displacement, dtype=torch.float32, device=x.device).reshape(-1, 1, 1, 1)
    half_sides = torch.tensor([2 / width, 2 / height], device=x.device)
    with torch.autocast("cuda" if x.is_cuda else "cpu", enabled=False):
        field = far * smooth_field((x.shape[0], 2, height, width), options.sigma, generator, x.device)
        still = torch.eye(2, 3, device=x.device).expand(x.shape[0], 2, 3)
        grid = F.affine_grid(still, list(x.shape), align_corners=False)
        moved = grid + field.permute(0, 2, 3, 1) * half_sides
        return F.grid_sample(x, moved, mode="bilinear", padding_mode="border", align_corners=False)


def smooth_field(shape: tuple[int, int, int, int], sigma: float, generator: Generator, device: torch.device) -> Tensor:
    """Gaussian noise blurred by ``sigma`` pixels, every value with mean 0 and variance 1: ``(B, C, H, W)``.

    The noise is drawn beyond the borders as far as the blur reaches, so that the field is everywhere alike.
    """
    reach = math.ceil(3 * sigma)
    where = "cpu" if device.type == "meta" else device
    wide = (*shape[:2], shape[2] + 2 * reach, shape[3] + 2 * reach)
    noise = torch.randn(wide, generator=generator, device=where).to(device)
    return _blur(shape[2], sigma, reach, device) @ noise @ _blur(shape[3], sigma, reach, device).T


def _blur(size: int, sigma: float, reach: int, device: torch.device) -> Tensor:
    """Of ``size + 2 * reach`` values ``size`` blurred ones, as a matrix that leaves the variance of white noise."""
    near = torch.arange(size + 2 * reach, device=device) - torch.arange(size, device=device)[:, None] - reach
    weight = (-0.5 * (near / sigma).square()).exp() * (near.abs() <= reach)
    return weight / weight.square().sum(1, keepdim=True).sqrt()


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `elastic`."""
    return [
        Corruption(
            name="elastic",
            options=Elastic,
            function=elastic,
            shapes="images",
            random=True,
            strength=Strength("displacement", identity=0, low=0.5, high=3),
            per_image=True,
        )
    ]
