"""How oriented, wide and coarse a filter is: numbers per filter, as physiologists describe the tuning of a cell.

Knows pictures of filters. Does not know how they were learnt. The mean of a filter never counts: patches without
their mean do not teach it. Everything is done for all filters at once, in float64.
"""

import torch
from torch import Tensor

TINY = torch.finfo(torch.float64).tiny


def orientation_selectivity(filters: Tensor) -> Tensor:
    """One minus the circular variance of the direction of the power spectrum, from 0 (none) to 1 (one direction).

    ``|sum P exp(2 i theta)| / sum P`` over the frequencies within the circle of half a cycle a pixel, the mean left
    out: corners of the square beyond it would prefer the diagonals.

    Args:
        filters: ``(K, side, side)``.

    Returns:
        float64 ``(K,)``; zero for a filter without variance.

    Source: Ringach, Shapley and Hawken, J. Neuroscience 22, 2002 (the measure, for cells' tuning curves).
    """
    power, _, angle = _spectrum(filters)
    total = power.sum((1, 2))
    resultant = torch.hypot((power * (2 * angle).cos()).sum((1, 2)), (power * (2 * angle).sin()).sum((1, 2)))
    return torch.where(total > 0, resultant / total.clamp(min=TINY), 0)


def grain(filters: Tensor) -> Tensor:
    """The length of a filter's typical wave in pixels: one over the root of its power's mean squared frequency.

    Specks and noise have a fine grain, strokes a coarse one: white noise 2.8 pixels (the square root of eight).

    Args:
        filters: ``(K, side, side)``.

    Returns:
        float64 ``(K,)``; zero for a filter without variance.
    """
    power, radius, _ = _spectrum(filters)
    total, weighted = power.sum((1, 2)), (power * radius.square()).sum((1, 2))
    return torch.where(total > 0, (total / weighted.clamp(min=TINY)).sqrt(), 0)


def support(filters: Tensor) -> Tensor:
    """On how many pixels a filter's energy lies: ``(sum e)^2 / sum e^2``, e the squared values; float64 ``(K,)``.

    One for a single pixel, all of them for a flat square, a third of them for white noise.

    Args:
        filters: ``(K, side, side)``; one without variance scores zero.
    """
    energy = centred_unit(filters).square()
    squares = energy.square().sum(1)
    return torch.where(squares > 0, energy.sum(1).square() / squares.clamp(min=TINY), 0)


def centred_unit(filters: Tensor) -> Tensor:
    """Filters without their mean, of norm one; zero where there is no variance.

    Args:
        filters: ``(K, side, side)``.

    Returns:
        float64 ``(K, side * side)``.
    """
    flat = filters.detach().double().flatten(1)
    centred = flat - flat.mean(1, keepdim=True)
    norm = centred.norm(dim=1, keepdim=True)
    lost = norm <= 1e-12 * flat.norm(dim=1, keepdim=True)  # rounding alone
    return torch.where(lost, 0, centred / norm.clamp(min=TINY))


def _spectrum(filters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Power ``(K, F, F)`` within half a cycle a pixel, without the mean; each frequency's size and angle ``(F, F)``."""
    side = filters.shape[-1]
    fine = 4 * side  # frequencies in between, by zeros around the picture
    power = torch.fft.fft2(centred_unit(filters).view(-1, side, side), s=(fine, fine)).abs().square()
    at = torch.fft.fftfreq(fine, dtype=torch.float64, device=power.device)
    radius, angle = at[:, None].hypot(at[None, :]), torch.atan2(at[None, :], at[:, None])
    return power * ((radius > 0) & (radius < 0.5)), radius, angle
