"""What a code says of its input: a lower bound on their mutual information, and how still it holds under noise.

Knows errors and codes as numbers. Does not know networks.
"""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Generator, Tensor

from daecore.stats.intervals import Interval, Values, bootstrap

QUANTISATION = (1 / 255) ** 2 / 12  # variance of rounding to 8 bits: pixels are known no better than that


class Bound(BaseModel):
    """How many nats a code holds at least, less the unknown entropy of the input.

    Attributes:
        nats: ``I(x; z) - H(x)`` from below, with its interval over images.
        variance: The decoder's variance at which the bound is highest.
        at_floor: Whether that is the variance of rounding, below which a higher bound would say nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    nats: Interval
    variance: float
    at_floor: bool


def bound_nats(mse: float, values: int) -> float:
    """The bound ``I(x; z) - H(x) >= -D/2 log(2 pi s^2) - E||x - g(f(x))||^2 / (2 s^2)``, at its best variance.

    The decoder is read as a Gaussian around what it restores. The bound is highest where s^2 is the mean squared
    error; below the variance of rounding to 8 bits s^2 does not go: densities there tell rounding, not pictures.

    Args:
        mse: The mean squared error of one value, ``E||x - g(f(x))||^2 / D``, in squared units of full intensity.
        values: D, the values of one sample.

    Returns:
        Nats; the more, the smaller the error.

    Source: Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, section 2.

    >>> round(bound_nats(1 / (2 * math.pi), 2), 6)
    -1.0
    """
    variance = best_variance(mse)
    return -0.5 * values * (math.log(2 * math.pi * variance) + mse / variance)


def best_variance(mse: float) -> float:
    """The variance at which the bound is highest: the mean squared error, but not below that of rounding."""
    return max(mse, QUANTISATION)


def information_bound(errors: Values, values: int, *, generator: Generator) -> Bound:
    """The bound of a set of samples, with its interval.

    The bound falls steadily with the error, so the ends of the error's bootstrap interval are the ends of its own.

    Args:
        errors: Each sample's mean squared error, ``(N,)``, nothing clipped.
        values: D, the values of one sample.
        generator: The bootstrap's stream, on the CPU.
    """
    error = bootstrap(errors, generator=generator)
    mean, low, high = (bound_nats(it, values) for it in (error.mean, error.high, error.low))
    nats = Interval(mean=mean, low=low, high=high, n=error.n)
    return Bound(nats=nats, variance=best_variance(error.mean), at_floor=error.mean <= QUANTISATION)


def sensitivity(clean: Tensor, corrupted: Tensor, *, generator: Generator) -> Interval:
    """How far noise moves a code, by how far codes lie apart: ``E||f(x~) - f(x)||^2 / E||f(x) - f(x')||^2``.

    0: noise does not move the code; 1: it moves it as far as from one sample to any other. The distance of two
    independent samples is twice the variance, ``E||f(x) - f(x')||^2 = 2 E||f(x) - E f(x)||^2``.

    Args:
        clean: The codes of clean samples, ``(N, ...)``.
        corrupted: The codes of the same samples, corrupted.
        generator: The bootstrap's stream, on the CPU.

    Returns:
        The ratio, with the interval of its linearisation over samples (the delta method).

    Raises:
        ValueError: All codes are the same: nothing lies apart.
    """
    moved, apart = _squares(corrupted - clean), 2 * _squares(clean - clean.mean(0))
    if not apart.any():
        raise ValueError("sensitivity() compares with the distance between codes, but all codes are the same")
    ratio = moved.mean() / apart.mean()
    return bootstrap(ratio + (moved - ratio * apart) / apart.mean(), generator=generator)


def _squares(codes: Tensor) -> NDArray[np.float64]:
    """Squared lengths, float64 ``(N,)``."""
    lengths: NDArray[np.float64] = codes.detach().flatten(1).double().square().sum(1).cpu().numpy()
    return lengths
