"""How much a filter looks like a Gabor function: the best one for each, of all filters at once, in float64.

Knows pictures of filters. Does not know how they were learnt.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from daecore.analysis.filter_tuning import centred_unit
from daecore.analysis.gabor import Wave, changes, gabor

STARTS = 2  # from so many of the best places of the grid a fit goes downhill
STEPS = 20
RIDGE = 1e-10  # keeps two functions that are alike apart
# A wave has at least a quarter of its length within one standard deviation of its envelope: otherwise any blob would be
# a Gabor function of no frequency. Narrow blobs and single pixels still fit well, as very short waves.
CYCLES = (0.25, 0.75)  # frequency times the envelope's standard deviation along the wave
ASPECT = (0.5, 3.0)  # the envelope's standard deviation along the stripes, over that along the wave
FREQUENCY = (0.05, 0.45)  # cycles a pixel
DIRECTIONS = 12  # on the grid; a quarter turn is a whole number of them
FREQUENCIES = 6
CENTRES = 8  # in each direction


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


def fit_gabor(filters: Tensor) -> Fit:
    """The best Gabor function of each filter: the best of a grid of shapes, then downhill.

    Amplitude, phase and an offset are linear once the shape is chosen, and are solved for. The shape keeps within
    `CYCLES`, `ASPECT` and `FREQUENCY`. A single pixel fits well all the same: a high R^2 needs a look at
    `daecore.analysis.filter_tuning.orientation_selectivity`, too.

    Args:
        filters: ``(K, side, side)``; one without variance scores zero.
    """
    side = filters.shape[-1]
    unit = centred_unit(filters)
    starts, first, second = _grid(side, unit.device)
    explained = (unit @ first.T).square_().add_((unit @ second.T).square_())  # (K, G)
    best = explained.topk(STARTS, dim=1).indices
    wanted = unit.repeat_interleave(STARTS, 0)
    shapes = _descend(starts[best.flatten()], wanted, side)
    r2 = 1 - _fit_amplitudes(shapes, wanted, side).left.view(-1, STARTS)
    chosen = r2.argmax(1) + STARTS * torch.arange(len(unit), device=unit.device)
    wave = Wave(*shapes[chosen].T)
    flat = filters.flatten(1).double()
    scale, mean = (flat - flat.mean(1, keepdim=True)).norm(dim=1, keepdim=True), flat.mean(1, keepdim=True)
    model = unit - _fit_amplitudes(shapes[chosen], unit, side).residual
    score = torch.where(unit.any(1), r2.max(1).values.clamp(0, 1), 0)
    return Fit(score, wave, (model * scale + mean).view(-1, side, side))


@lru_cache(maxsize=1)  # a constant of the side: 43 MB for 12 pixels
def _grid(side: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Shapes to try, ``(G, 6)``, and an orthonormal basis of the two functions of each, without mean: ``(G, P)``."""
    half = (side - 1) / 2 * (1 - 1 / CENTRES)
    centres = torch.linspace(-half, half, CENTRES, dtype=torch.float64)
    angles = torch.arange(DIRECTIONS, dtype=torch.float64) * math.pi / DIRECTIONS
    low, high = (math.log(it) for it in (0.06, 0.4))
    frequencies = torch.linspace(low, high, FREQUENCIES, dtype=torch.float64).exp()
    cycles, aspects = torch.tensor([0.3, 0.5], dtype=torch.float64), torch.tensor([0.8, 1.6], dtype=torch.float64)
    shapes = torch.cartesian_prod(centres, centres, angles, frequencies, cycles, aspects).to(device)
    even, odd = (_level(it.flatten(1)) for it in gabor(Wave(*shapes.T), side))
    first = even / even.norm(dim=1, keepdim=True)
    second = odd - _product(odd, first) * first
    return shapes, first, second / second.norm(dim=1, keepdim=True)


class _Fitted(NamedTuple):
    """Functions of given shapes with the best amplitudes for each filter; all ``(K, P)`` or ``(K, 1)``.

    Attributes:
        even: The even functions.
        odd: The odd ones.
        even_even: Of the inverse of their Gram matrix, without their means.
        even_odd: Likewise.
        odd_odd: Likewise.
        on_even: Their amplitudes.
        on_odd: Likewise.
        residual: What is left of the filters.
    """

    even: Tensor
    odd: Tensor
    even_even: Tensor
    even_odd: Tensor
    odd_odd: Tensor
    on_even: Tensor
    on_odd: Tensor
    residual: Tensor

    @property
    def left(self) -> Tensor:
        """The share of each filter's variance that is left."""
        return _product(self.residual, self.residual)


def _fit_amplitudes(shapes: Tensor, unit: Tensor, side: int) -> _Fitted:
    """The best amplitudes for shapes ``(K, 6)`` and filters ``(K, P)``."""
    even, odd = (it.flatten(1) for it in gabor(Wave(*shapes.T), side))
    flat_even, flat_odd = _level(even), _level(odd)
    gram = _product(flat_even, flat_even) + RIDGE, _product(flat_even, flat_odd), _product(flat_odd, flat_odd) + RIDGE
    determinant = gram[0] * gram[2] - gram[1].square()
    inverse = gram[2] / determinant, -gram[1] / determinant, gram[0] / determinant
    wanted = _product(unit, even), _product(unit, odd)
    on_even = inverse[0] * wanted[0] + inverse[1] * wanted[1]
    on_odd = inverse[1] * wanted[0] + inverse[2] * wanted[1]
    return _Fitted(even, odd, *inverse, on_even, on_odd, unit - on_even * flat_even - on_odd * flat_odd)


def _descend(shapes: Tensor, unit: Tensor, side: int) -> Tensor:
    """Levenberg and Marquardt's steps, each taken only where it leaves less; shapes ``(K, 6)`` within their bounds."""
    bounds = _bounds(side, shapes.device)
    damping = torch.full((len(shapes), 1, 1), 1e-2, dtype=torch.float64, device=shapes.device)
    now = _fit_amplitudes(shapes, unit, side)
    for _ in range(STEPS):
        slopes = _slopes(shapes, now, side)  # (K, 6, P)
        normal = slopes @ slopes.mT
        scaled = normal + damping * torch.diag_embed(normal.diagonal(dim1=1, dim2=2) + 1e-9)
        step = torch.linalg.solve(scaled, slopes @ now.residual[:, :, None]).squeeze(2)
        tried = torch.minimum(torch.maximum(shapes - step, bounds[0]), bounds[1])
        then = _fit_amplitudes(tried, unit, side)
        better = then.left < now.left
        shapes = torch.where(better, tried, shapes)
        now = _Fitted(*(torch.where(better, new, old) for new, old in zip(then, now, strict=True)))
        damping = torch.where(better[:, :, None], damping / 3, damping * 4).clamp(1e-9, 1e9)
    return shapes


def _slopes(shapes: Tensor, now: _Fitted, side: int) -> Tensor:
    """The residual's derivative by each of the six numbers, ``(K, 6, P)``, as the best amplitudes follow them.

    Source: Golub and Pereyra, SIAM J. Numerical Analysis 10, 1973 (variable projection).
    """
    grown, turned = changes(Wave(*shapes.T), side)  # (K, 6, P)
    wave = (now.on_even * now.even + now.on_odd * now.odd)[:, None]
    quarter = (now.on_odd * now.even - now.on_even * now.odd)[:, None]  # the same a quarter of a wave on
    moved = _level(grown * wave + turned * quarter)
    even, odd, residual = now.even[:, :, None], now.odd[:, :, None], now.residual[:, :, None]
    on_even = grown @ (even * residual) - turned @ (odd * residual) - moved @ even  # (K, 6, 1)
    on_odd = grown @ (odd * residual) + turned @ (even * residual) - moved @ odd
    ee, eo, oo = (it[:, :, None] for it in (now.even_even, now.even_odd, now.odd_odd))
    even, odd = _level(now.even)[:, None], _level(now.odd)[:, None]
    return -(moved + (ee * on_even + eo * on_odd) * even + (eo * on_even + oo * on_odd) * odd)


def _level(it: Tensor) -> Tensor:
    """Without its mean over the last axis."""
    return it - it.mean(-1, keepdim=True)


def _product(one: Tensor, other: Tensor) -> Tensor:
    """Over the pixels, ``(K, 1)``."""
    return (one * other).sum(1, keepdim=True)


def _bounds(side: int, device: torch.device) -> Tensor:
    """The least and the largest shape, ``(2, 6)``: the centre within the picture, any angle."""
    half = (side - 1) / 2
    low = (-half, -half, -math.inf, FREQUENCY[0], CYCLES[0], ASPECT[0])
    high = (half, half, math.inf, FREQUENCY[1], CYCLES[1], ASPECT[1])
    return torch.tensor([low, high], dtype=torch.float64, device=device)
