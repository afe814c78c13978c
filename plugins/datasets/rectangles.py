"""Rectangles: is it tall or wide? (Larochelle et al. 2007, "Discrimination between tall and wide rectangles").

Two problems: outlines, and rectangles filled with one patch of a photograph in front of another.
"""

from pathlib import Path

import torch
from torch import Generator, Tensor

from daecore import Dataset, Splits, hookimpl

from ..bibliography import cite
from .backgrounds import photographs
from .problem import SHAPE, SIDE, Problem, two_classes

ROUND = 1_000  # candidates drawn at once
LEAST_DIFFERENCE = 3  # of height and width, in pixels
LEAST_SIDE, LEAST_DIFFERENCE_IMAGE = 10, 5  # the same where the rectangles are filled, and the shorter side
LEAST_AREA, MOST_AREA = 0.25, 0.75  # of a filled rectangle, as a fraction of the picture


class Rectangles(Problem):
    """White outlines of rectangles on black, 28 x 28: wide (label 1) or tall (label 0)."""


class RectanglesImg(Problem):
    """Rectangles of one patch of a photograph before another patch, 28 x 28: wide (label 1) or tall (label 0)."""


def rectangles(options: Rectangles, *, cache: Path) -> Splits:
    """Draw the outlines, one pixel thick: uint8 ``(N, 1, 28, 28)``.

    Height and width are uniform over 1 to 28 pixels, and drawn again where they differ by less than 3; the place is
    uniform over those where the rectangle fits.
    """

    def draw(label: int, generator: Generator) -> Tensor:
        height, width = sides(generator, least=1, difference=LEAST_DIFFERENCE)
        outline, inside = areas(*orient(height, width, label), generator)
        return ((outline & ~inside).to(torch.uint8) * 255).reshape(-1, *SHAPE)

    return two_classes("rectangles", options, draw)


def rectangles_img(options: RectanglesImg, *, cache: Path) -> Splits:
    """Draw the rectangles, border and inside of one patch, outside of another: uint8 ``(N, 1, 28, 28)``.

    As `rectangles`, but height and width are at least 10 pixels and differ by 5 at least, and the rectangle covers 25
    to 75 % of the picture.

    Raises:
        DataError: scikit-image's photographs are not those expected.
    """
    source = photographs()

    def draw(label: int, generator: Generator) -> Tensor:
        area = fill(label, generator)
        front, back = source.patches(2 * len(area), generator).chunk(2)
        return torch.where(area, front, back).reshape(-1, *SHAPE)

    return two_classes("rectangles_img", options, draw)


def fill(label: int, generator: Generator) -> Tensor:
    """Where filled rectangles of one class lie: bool ``(M, 28, 28)``."""
    height, width = sides(generator, least=LEAST_SIDE, difference=LEAST_DIFFERENCE_IMAGE)
    share = height * width / SIDE**2
    fits = (share >= LEAST_AREA) & (share <= MOST_AREA)
    whole, _ = areas(*orient(height[fits], width[fits], label), generator)
    return whole


def sides(generator: Generator, *, least: int, difference: int) -> tuple[Tensor, Tensor]:
    """Two sides in pixels, uniform from ``least`` to 28, of those that differ enough: int64 ``(M,)`` each."""
    both = torch.randint(least, SIDE + 1, (ROUND, 2), generator=generator)
    return tuple(both[(both[:, 0] - both[:, 1]).abs() >= difference].unbind(1))  # type: ignore[return-value]


def orient(height: Tensor, width: Tensor, label: int) -> tuple[Tensor, Tensor]:
    """Height and width of rectangles of one class: both were drawn alike, so exchanging them does not favour any."""
    longer, shorter = torch.maximum(height, width), torch.minimum(height, width)
    return (shorter, longer) if label else (longer, shorter)


def areas(height: Tensor, width: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Rectangles at uniform places: all their pixels, and those without the border: bool ``(M, 28, 28)`` each."""
    position = torch.rand(2, len(height), generator=generator, dtype=torch.float64)
    top, left = (position * (SIDE + 1 - torch.stack([height, width]))).long()
    steps = torch.arange(SIDE)

    def between(start: Tensor, length: Tensor) -> Tensor:
        return (steps >= start[:, None]) & (steps < (start + length)[:, None])

    whole = between(top, height)[:, :, None] & between(left, width)[:, None, :]
    inside = between(top + 1, height - 2)[:, :, None] & between(left + 1, width - 2)[:, None, :]
    return whole, inside


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `rectangles` and `rectangles_img`."""
    return [
        Dataset(
            name=name,
            options=options,
            function=function,
            source=cite("larochelle2007"),
            shapes="images",
            sample_shape=lambda options: SHAPE,
            classes=2,
        )
        for name, options, function in (
            ("rectangles", Rectangles, rectangles),
            ("rectangles_img", RectanglesImg, rectangles_img),
        )
    ]
