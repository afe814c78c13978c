"""How much a filter looks like a Gabor function: the best one for each, of all filters at once, in float64.

Knows pictures of filters. Does not know how they were learnt.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from daecore.tuning import centred_unit

STARTS = 2  # from so many of the best places of the grid a fit goes downhill
STEPS = 20
# A wave has at least a quarter of its length within one standard deviation of its envelope: otherwise any blob would be
# a Gabor function of no frequency. Narrow blobs and single pixels still fit well, as very short waves.
CYCLES = (0.25, 0.75)  # frequency times the envelope's standard deviation along the wave
ASPECT = (0.5, 3.0)  # the envelope's standard deviation along the stripes, over that along the wave
FREQUENCY = (0.05, 0.45)  # cycles a pixel
DIRECTIONS = 12  # on the grid; a quarter turn is a whole number of them
FREQUENCIES = 6
CENTRES = 8  # in each direction


class Wave(NamedTuple):
    """The shape of a Gabor function, each ``(K,)``; rows count downwards.

    Attributes:
        row: The centre's row, in pixels from the middle of the picture.
        column: Its column.
        angle: The direction in which the wave runs, in radians from the rows' direction towards the columns'.
        frequency: In cycles a pixel.
        cycles: The envelope's standard deviation along the wave, in wavelengths.
        aspect: The standard deviation along the stripes over that along the wave.
    """

    row: Tensor
    column: Tensor
    angle: Tensor
    frequency: Tensor
    cycles: Tensor
    aspect: Tensor


@dataclass(frozen=True)
class Fit:
    """The best Gabor functions found.

    Attributes:
        r2: float64 ``(K,)``, the share of each filter's variance over its pixels that its function explains.
        wave: Their shapes.
        images: float64 ``(K, H, W)``, the functions with their amplitudes, phases and offsets.
    """

    r2: Tensor
    wave: Wave
    images: Tensor


def gabor(wave: Wave, side: int) -> tuple[Tensor, Tensor]:
    """The even and the odd function of each shape, float64 ``(K, side, side)`` each, of amplitude one.

    ``exp(-(u^2 + v^2 / aspect^2) / (2 s^2))`` times ``cos(2 pi f u)`` and ``sin(2 pi f u)``, with u along the wave, v
    across it, and ``s = cycles / f``.

    Source: Daugman, JOSA A 2, 1985.
    """
    row, column, angle, frequency, cycles, aspect = (it.double()[:, None, None] for it in wave)
    at = torch.arange(side, dtype=torch.float64, device=row.device) - (side - 1) / 2
    down, right = at[:, None] - row, at[None, :] - column
    along = down * angle.cos() + right * angle.sin()
    across = right * angle.cos() - down * angle.sin()
    envelope = torch.exp(-(along.square() + (across / aspect).square()) * (frequency / cycles).square() / 2)
    turn = 2 * math.pi * frequency * along
    return envelope * turn.cos(), envelope * turn.sin()


def fit_gabor(filters: Tensor) -> Fit:
    """The best Gabor function of each filter: the best of a grid of shapes, then downhill.

    Amplitude, phase and an offset are linear once the shape is chosen, and are solved for. The shape keeps within
    `CYCLES`, `ASPECT` and `FREQUENCY`. A single pixel fits well all the same: a high R^2 needs a look at
    `daecore.tuning.orientation_selectivity`, too.

    Args:
        filters: ``(K, side, side)``; one without variance scores zero.
    """
    side = filters.shape[-1]
    unit = centred_unit(filters)
    starts = _grid(side, unit.device)
    explained = _explained(unit, *(it.flatten(1) for it in gabor(Wave(*starts.T), side)))  # (K, G)
    best = explained.topk(STARTS, dim=1).indices
    wanted = unit.repeat_interleave(STARTS, 0)
    shapes = _descended(starts[best.flatten()], wanted, side)
    r2 = 1 - _residual(shapes, wanted, side).square().sum(1).view(-1, STARTS)
    chosen = r2.argmax(1) + STARTS * torch.arange(len(unit), device=unit.device)
    wave = Wave(*shapes[chosen].T)
    flat = filters.flatten(1).double()
    scale, mean = (flat - flat.mean(1, keepdim=True)).norm(dim=1, keepdim=True), flat.mean(1, keepdim=True)
    model = unit - _residual(shapes[chosen], unit, side)
    score = torch.where(unit.any(1), r2.max(1).values.clamp(0, 1), 0)
    return Fit(score, wave, (model * scale + mean).view(-1, side, side))


def _grid(side: int, device: torch.device) -> Tensor:
    """Shapes to try, ``(G, 6)``."""
    half = (side - 1) / 2 * (1 - 1 / CENTRES)
    centres = torch.linspace(-half, half, CENTRES, dtype=torch.float64)
    angles = torch.arange(DIRECTIONS, dtype=torch.float64) * math.pi / DIRECTIONS
    low, high = (math.log(it) for it in (0.06, 0.4))
    frequencies = torch.linspace(low, high, FREQUENCIES, dtype=torch.float64).exp()
    cycles, aspects = torch.tensor([0.3, 0.5], dtype=torch.float64), torch.tensor([0.8, 1.6], dtype=torch.float64)
    return torch.cartesian_prod(centres, centres, angles, frequencies, cycles, aspects).to(device)


def _explained(unit: Tensor, even: Tensor, odd: Tensor) -> Tensor:
    """The share of each filter ``(K, P)`` that each pair of functions ``(G, P)`` explains, ``(K, G)``."""
    even, odd = (it - it.mean(1, keepdim=True) for it in (even, odd))
    ee, oo, eo = even.square().sum(1), odd.square().sum(1), (even * odd).sum(1)
    on_even, on_odd = unit @ even.T, unit @ odd.T
    found = (oo * on_even.square() - 2 * eo * on_even * on_odd + ee * on_odd.square()) / (ee * oo - eo.square())
    return found.nan_to_num(0, 0, 0)


def _residual(shapes: Tensor, unit: Tensor, side: int) -> Tensor:
    """What the best amplitudes leave of each filter, ``(K, P)``, for shapes ``(K, 6)``."""
    basis = torch.stack([it.flatten(1) for it in gabor(Wave(*shapes.T), side)], 2)
    basis = basis - basis.mean(1, keepdim=True)  # (K, P, 2)
    gram = basis.mT @ basis + 1e-10 * torch.eye(2, dtype=basis.dtype, device=basis.device)
    amplitudes: Tensor = torch.linalg.solve(gram, basis.mT @ unit[:, :, None])
    return unit - (basis @ amplitudes).squeeze(2)


def _descended(shapes: Tensor, unit: Tensor, side: int) -> Tensor:
    """Levenberg and Marquardt's steps, each taken only where it leaves less; shapes ``(K, 6)`` within their bounds."""
    bounds = _bounds(side, shapes.device)
    damping = torch.full((len(shapes), 1, 1), 1e-2, dtype=torch.float64, device=shapes.device)
    residual = _residual(shapes, unit, side)
    for _ in range(STEPS):
        slope = _slopes(shapes, unit, side, residual)  # (K, P, 6)
        normal = slope.mT @ slope
        scaled = normal + damping * torch.diag_embed(normal.diagonal(dim1=1, dim2=2) + 1e-9)
        step = torch.linalg.solve(scaled, slope.mT @ residual[:, :, None]).squeeze(2)
        tried = torch.minimum(torch.maximum(shapes - step, bounds[0]), bounds[1])
        left = _residual(tried, unit, side)
        better = left.square().sum(1, keepdim=True) < residual.square().sum(1, keepdim=True)
        shapes, residual = torch.where(better, tried, shapes), torch.where(better, left, residual)
        damping = torch.where(better[:, :, None], damping / 3, damping * 4).clamp(1e-9, 1e9)
    return shapes


def _slopes(shapes: Tensor, unit: Tensor, side: int, residual: Tensor, width: float = 1e-5) -> Tensor:
    """The residual's derivative by each of the six numbers, ``(K, P, 6)``, by small differences."""
    moves = width * torch.eye(shapes.shape[1], dtype=shapes.dtype, device=shapes.device)
    return torch.stack([(_residual(shapes + move, unit, side) - residual) / width for move in moves], 2)


def _bounds(side: int, device: torch.device) -> Tensor:
    """The least and the largest shape, ``(2, 6)``: the centre within the picture, any angle."""
    half = (side - 1) / 2
    low = (-half, -half, -math.inf, FREQUENCY[0], CYCLES[0], ASPECT[0])
    high = (half, half, math.inf, FREQUENCY[1], CYCLES[1], ASPECT[1])
    return torch.tensor([low, high], dtype=torch.float64, device=device)
