"""Gabor functions: waves under a Gaussian, many at once, in float64, and how their numbers change them.

Knows shapes. Does not know filters: how much one looks like such a function is `daecore.analysis.gabor_fit`.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor


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


def gabor(wave: Wave, side: int) -> tuple[Tensor, Tensor]:
    """The even and the odd function of each shape, float64 ``(K, side, side)`` each, of amplitude one.

    ``exp(-(u^2 + v^2 / aspect^2) / (2 s^2))`` times ``cos(2 pi f u)`` and ``sin(2 pi f u)``, with u along the wave, v
    across it, and ``s = cycles / f``.

    Source: Daugman, JOSA A 2, 1985.
    """
    along, across = _axes(wave, side)
    _, _, _, frequency, cycles, aspect = _columns(wave)
    envelope = torch.exp(-(along.square() + (across / aspect).square()) * (frequency / cycles).square() / 2)
    turn = 2 * math.pi * frequency * along
    return envelope * turn.cos(), envelope * turn.sin()


def changes(wave: Wave, side: int) -> tuple[Tensor, Tensor]:
    """By what each of the six numbers makes the envelope's logarithm grow, and the phase turn; ``(K, 6, P)`` each."""
    along, across = _axes(wave, side)
    _, _, angle, frequency, cycles, aspect = (it[:, :, 0] for it in _columns(wave))
    along, across = along.flatten(1), across.flatten(1)
    sharp, narrow = (frequency / cycles).square(), across / aspect.square()
    moves = ((-angle.cos(), angle.sin()), (-angle.sin(), -angle.cos()), (across, -along))  # row, column, angle
    size, still = (along.square() + across * narrow) * sharp, torch.zeros_like(along)
    grown = [-sharp * (along * ahead + narrow * aside) for ahead, aside in moves]
    grown += [-size / frequency, size / cycles, sharp * across * narrow / aspect]
    turned = [2 * math.pi * frequency * ahead + still for ahead, _ in moves]
    turned += [2 * math.pi * along, still, still]
    return torch.stack(grown, 1), torch.stack(turned, 1)


def _axes(wave: Wave, side: int) -> tuple[Tensor, Tensor]:
    """How far each pixel lies along the wave and across it, float64 ``(K, side, side)``."""
    row, column, angle, *_ = _columns(wave)
    at = torch.arange(side, dtype=torch.float64, device=row.device) - (side - 1) / 2
    down, right = at[:, None] - row, at[None, :] - column
    return down * angle.cos() + right * angle.sin(), right * angle.cos() - down * angle.sin()


def _columns(wave: Wave) -> list[Tensor]:
    """Its numbers in float64, ``(K, 1, 1)`` each."""
    return [it.double()[:, None, None] for it in wave]
