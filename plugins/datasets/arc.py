"""Points on an arc: a curve in the plane on which one can see what a denoiser learns (Alain and Bengio, 2014)."""

import math
from pathlib import Path

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Dataset, Options, Samples, Splits, hookimpl, stream

from ..bibliography import cite


class Arc(Options):
    """Points in the plane, uniform along an arc around the origin, with an optional gap in its middle."""

    radius: float = Field(default=1.0, gt=0, le=100, description="radius of the circle, in units of the plane")
    turn: float = Field(default=1.0, gt=0, le=1, description="length of the arc, as a fraction of the full circle")
    gap: float = Field(default=0.0, ge=0, lt=1, description="fraction of the arc that is cut out in its middle")
    thickness: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="standard deviation of the distance from the circle, in units of the plane",
    )
    train: int = Field(default=2_000, ge=1, le=1_000_000, description="points to train on")
    validation: int = Field(default=500, ge=1, le=1_000_000, description="points to validate on")
    test: int = Field(default=500, ge=1, le=1_000_000, description="points to test on")
    seed: int = Field(default=0, ge=0, le=2**31, description="another seed, other points")


def arc(options: Arc, *, cache: Path) -> Splits:
    """Draw the points: float32 ``(N, 2)`` without labels, an independent stream for each set."""
    train, validation, test = (
        Samples(draw(options, count, stream(options.seed, "arc", part)))
        for part, count in (("train", options.train), ("validation", options.validation), ("test", options.test))
    )
    return Splits(train, validation, (test,))


def draw(options: Arc, count: int, generator: Generator) -> Tensor:
    """Points ``(count, 2)``: the angle runs over ``[0, 2 pi turn)`` but for the gap; the thickness is radial."""
    # In float64: 24 random bits would put one point into two sets now and then.
    position = torch.rand(count, generator=generator, dtype=torch.float64) * (1 - options.gap)
    position += options.gap * (position >= (1 - options.gap) / 2)  # beyond the middle, step over the gap
    angle = 2 * math.pi * options.turn * position
    radius = options.radius + options.thickness * torch.randn(count, generator=generator, dtype=torch.float64)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1).float()


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `arc`."""
    return [
        Dataset(
            name="arc",
            options=Arc,
            function=arc,
            source=cite("alain2014"),
            shapes="points",
            sample_shape=lambda options: (2,),
        ),
    ]
