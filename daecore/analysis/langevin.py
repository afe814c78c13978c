"""Walking with a denoiser: small denoising steps with noise added again, which sample where averaging would blur.

A denoiser for noise of width sigma knows the score of the data smoothed by sigma, (D(x) - x) / sigma^2. A walk
along it with noise (Langevin) ends at random where the smoothed data are; going to smaller and smaller sigma, it ends
at the data. Knows denoisers as functions. Does not know how they were found.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from daecore.analysis.posterior import Denoiser
from daecore.errors import InputError


@dataclass(frozen=True)
class Level:
    """One noise level of a walk.

    Attributes:
        sigma: Width of the noise, in units of the samples; above 0.
        denoiser: Maps samples with such noise, ``(B, *shape)``, to the mean of what they can have been.
    """

    sigma: float
    denoiser: Denoiser


@dataclass(frozen=True)
class Observation:
    """What a walk knows of the original: original + sigma n.

    Attributes:
        x: float32 ``(B, *shape)``.
        sigma: Width of its noise; larger than that of every level.
    """

    x: Tensor
    sigma: float


def langevin(
    start: Tensor,
    levels: Sequence[Level],
    *,
    generator: Generator,
    steps: int = 100,
    size: float = 0.2,
    observed: Observation | None = None,
) -> Iterator[Tensor]:
    """Annealed Langevin: walk at each level, then denoise once.

    A step goes the share ``size`` of the way to a mean m and adds Gaussian noise of variance ``2 size v``:
    ``x <- x + size (m - x) + sqrt(2 size v) n``, which is Langevin's walk along the score ``(m - x) / v``, unadjusted:
    along a direction in which the target is a Gaussian of variance v it settles at ``v / (1 - size / 2)``, and in wider
    directions nearer to the truth.

    Without an observation ``m = D(x)`` and ``v = sigma^2``: the walk samples the data smoothed by sigma. An observation
    y of width s splits its noise into sigma^2 up to the walker and ``t^2 = s^2 - sigma^2`` from there to y, so that
    p(x at level sigma | y) is proportional to ``q_sigma(x) N(y; x, t^2)``: ``m = (t^2 D(x) + sigma^2 y) / s^2`` and
    ``v = sigma^2 t^2 / s^2``. With enough steps the walk samples the posterior of every level in turn.

    Args:
        start: float32 ``(B, *shape)``, one walker each.
        levels: From the widest noise to the narrowest.
        generator: The source of randomness, on the device of ``start``.
        steps: Steps at each level.
        size: The share of the way to the mean, above 0, at most 1.
        observed: What is known of the originals.

    Returns:
        The walkers ``(B, *shape)`` after each step, and at last denoised; see `last_state`.

    Raises:
        InputError: The levels do not fall, or one is not narrower than the observation.

    Source: Song and Ermon, "Generative modeling by estimating gradients of the data distribution", 2019.
    """
    _check([level.sigma for level in levels], observed)
    return _walk(start, levels, generator, steps, size, observed)


def last_state(walk: Iterator[Tensor]) -> Tensor:
    """Where a walk ends, ``(B, *shape)``; what lies before is not kept."""
    return deque(walk, maxlen=1)[0]


def _walk(
    x: Tensor, levels: Sequence[Level], generator: Generator, steps: int, size: float, observed: Observation | None
) -> Iterator[Tensor]:
    for level in levels:
        for _ in range(steps):
            mean, variance = _target(x, level, observed)
            noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
            x = torch.lerp(x, mean, size) + (2 * size * variance) ** 0.5 * noise
            yield x
    yield levels[-1].denoiser(x)


def _target(x: Tensor, level: Level, observed: Observation | None) -> tuple[Tensor, float]:
    """The mean m that the walkers are drawn to, and the variance v that they keep around it."""
    restored, inner = level.denoiser(x), level.sigma**2
    if observed is None:
        return restored, inner
    share = inner / observed.sigma**2
    return torch.lerp(restored, observed.x, share), inner * (1 - share)


def _check(sigmas: list[float], observed: Observation | None) -> None:
    widest = observed.sigma if observed else float("inf")
    if not sigmas or sorted(sigmas, reverse=True) != sigmas or not 0 < sigmas[-1] <= sigmas[0] < widest:
        raise InputError(
            f"A walk goes from wide to narrow noise, below the observation's {widest:g}, but got the levels "
            f"{sigmas}. Sort them, and leave out what is too wide."
        )
