"""Convex: is the white region convex? (Larochelle et al. 2007, "Recognition of convex sets").

The rules are those of the problem's page, and what it leaves open is decided here: a half-plane is one side of a line
through a point uniform over the picture, in a direction uniform over all; a region has at least one of them.
"""

import math
from pathlib import Path

import torch
from torch import Generator, Tensor

from daecore import Dataset, Splits, hookimpl

from ..bibliography import cite
from .problem import SHAPE, SIDE, Problem, two_classes

ROUND = 10_000  # candidates drawn at once
FEWEST_CONVEX, STOP_CONVEX, LEAST_CONVEX = 1, 0.195, 19  # half-planes at least; the geometric number; pixels at least
FEWEST_PIECE, STOP_PIECE, LEAST_PIECE = 3, 0.07, 10  # the same for each piece of a region that is not convex
PIECES = (2, 4)  # of a region that is not convex: from, to
BEYOND = 1_000  # farther than any pixel
GRID = 2.0**20  # sines and cosines are rounded to its steps, as their last bits differ between processors


class Convex(Problem):
    """White regions on black, 28 x 28: convex (label 1), or unions of convex ones that are not (label 0)."""


def convex(options: Convex, *, cache: Path) -> Splits:
    """Draw the regions: uint8 ``(N, 1, 28, 28)``, half of them convex."""
    return two_classes("convex", options, _draw)


def _draw(label: int, generator: Generator) -> Tensor:
    convexes = (FEWEST_CONVEX, STOP_CONVEX, LEAST_CONVEX)
    regions = intersections(ROUND, *convexes, generator) if label else _unions(generator)
    return (regions.to(torch.uint8) * 255).reshape(-1, *SHAPE)


def _unions(generator: Generator) -> Tensor:
    """Unions of two to four convex regions, those of them that are not convex: bool ``(M, 28, 28)``."""
    pieces = intersections(ROUND, FEWEST_PIECE, STOP_PIECE, LEAST_PIECE, generator)
    used = torch.randint(PIECES[0], PIECES[1] + 1, (len(pieces) // PIECES[1],), generator=generator)
    ends = used.cumsum(0)
    later = torch.arange(PIECES[1])[:, None].minimum(used - 1)  # a union of two takes its second piece thrice
    unions: Tensor = pieces[ends - used + later].any(0)
    return unions[~is_convex(unions)]


def intersections(count: int, fewest: int, stop: float, least: int, generator: Generator) -> Tensor:
    """Intersections of random half-planes that are large enough.

    Args:
        count: Candidates; those that are too small are left out.
        fewest: Half-planes that each has at least.
        stop: From then on, the probability after each half-plane that it was the last one.
        least: Pixels that a region must have.
        generator: Where the half-planes come from.

    Returns:
        bool ``(M, 28, 28)``, M at most ``count``.
    """
    first = torch.zeros(count, SIDE, dtype=torch.long)  # of each row's pixels in the region
    last = torch.full((count, SIDE), SIDE - 1)
    large = torch.ones(count, dtype=torch.bool)
    growing, planes = torch.arange(count), 0  # the regions that take one more half-plane
    while len(growing):
        from_here, to_here = half_planes(len(growing), generator)
        first[growing] = first[growing].maximum(from_here)
        last[growing] = last[growing].minimum(to_here)
        enough = (last[growing] - first[growing] + 1).clamp_min(0).sum(1) >= least
        large[growing], planes = enough, planes + 1
        over = torch.rand(len(growing), generator=generator, dtype=torch.float64) < stop
        growing = growing[enough & ~over] if planes >= fewest else growing[enough]
    columns = torch.arange(SIDE)
    inside: Tensor = (columns >= first[large, :, None]) & (columns <= last[large, :, None])
    return inside


def half_planes(count: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """The first and the last pixel of each row that lie in random half-planes: int64 ``(count, 28)`` each."""
    angle = 2 * math.pi * torch.rand(count, generator=generator, dtype=torch.float64)
    row, column = torch.rand(2, count, generator=generator, dtype=torch.float64) * SIDE - 0.5  # pixels have side 1
    # A pixel (y, x) lies in it where down (y - row) + across (x - column) >= 0.
    down, across = ((part * GRID).round() / GRID for part in (angle.sin(), angle.cos()))
    across = torch.where(across == 0, 1 / GRID, across)[:, None]
    border = column[:, None] - (torch.arange(SIDE) - row[:, None]) * down[:, None] / across
    border = border.clamp(-1, SIDE)
    first = torch.where(across > 0, border.ceil(), 0).long()
    last = torch.where(across > 0, SIDE - 1, border.floor()).long()
    return first, last


def is_convex(regions: Tensor) -> Tensor:
    """Whether regions are convex: no pixel outside lies in the convex hull of the pixels inside. Exact.

    Each row of a convex region is one run of pixels. The hull meets a row between the smallest and the largest number
    at which a chord crosses it, from an end of a row above to an end of a row below. All in whole numbers.

    Args:
        regions: bool ``(N, 28, 28)``.

    Returns:
        bool ``(N,)``; an empty region is convex.
    """
    columns, filled = torch.arange(regions.shape[2]), regions.any(2)
    first = torch.where(regions, columns, BEYOND).amin(2)  # (N, 28): where each row's pixels begin
    last = torch.where(regions, columns, -BEYOND).amax(2)
    convex = (regions.sum(2) == (last - first + 1) * filled).all(1)
    convex[convex.clone()] = _is_hull(first[convex], last[convex], filled[convex])
    return convex


def _is_hull(first: Tensor, last: Tensor, filled: Tensor) -> Tensor:
    """Whether runs of pixels, one in each filled row, hold all pixels of their convex hull: bool ``(N,)``."""
    convex = torch.ones(len(first), dtype=torch.bool)
    for row in range(1, first.shape[1] - 1):
        left, right = -_crossing(-first, filled, row), _crossing(last, filled, row)  # the hull's pixels in this row
        within = (left >= first[:, row]) & (right <= last[:, row])
        convex &= torch.where(filled[:, row], within, left > right)
    return convex


def _crossing(ends: Tensor, filled: Tensor, row: int) -> Tensor:
    """The largest number at which a chord between ends crosses the row, rounded down: int64 ``(N,)``."""
    above = torch.arange(row)[:, None]
    below = torch.arange(row + 1, ends.shape[1])[None, :]
    crossing = ends[:, above] * (below - row) + ends[:, below] * (row - above)  # (N, above, below), times the distance
    rounded = torch.div(crossing, below - above, rounding_mode="floor")
    return torch.where(filled[:, above] & filled[:, below], rounded, -BEYOND).amax((1, 2))


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `convex`."""
    return [
        Dataset(
            name="convex",
            options=Convex,
            function=convex,
            source=cite("larochelle2007"),
            shapes="images",
            sample_shape=lambda options: SHAPE,
            classes=2,
        )
    ]
