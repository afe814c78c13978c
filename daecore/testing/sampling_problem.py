"""Sampling problems: a finite set of originals, a corruption with its likelihood, and thus the exact posterior.

Knows how truths are drawn from the set and corrupted. Does not know the sampler that is asked. Gaussian noise comes
last in every corruption: without it the posterior would be a point for most observations.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from daecore.analysis.likelihood import CoveredThenNoised, ErasedThenNoised, GaussianNoised, Likelihood
from daecore.analysis.posterior import posterior
from daecore.data.samples import as_float, as_uint8
from daecore.errors import InputError, choices
from daecore.rng import stream
from daecore.testing.drawing import pictures

Corrupt = Callable[[Tensor, Generator], Tensor]
"""Corrupts originals ``(B, *shape)``, float32, with a generator."""
SamplerFunction = Callable[[Tensor, int, Generator], Tensor]
"""``sampler(corrupted, count, generator)`` draws ``(count, N, *shape)`` for corrupted samples ``(N, ...)``."""


@dataclass(frozen=True)
class SamplingProblem:
    """What a sampler is asked, where the answer is known.

    Attributes:
        name: For messages.
        originals: ``(M, *shape)``, all equally likely, as they are stored: uint8 pictures or float32 points.
        likelihood: log p(corrupted | original); it belongs to ``corrupt``.
        corrupt: Corrupts originals, float32 ``(B, *shape)``, with a generator.
    """

    name: str
    originals: Tensor
    likelihood: Likelihood
    corrupt: Corrupt


@dataclass(frozen=True)
class Questions:
    """Corrupted samples with all that can be known of them.

    Attributes:
        truth: float32 ``(N, *shape)``, drawn from the originals.
        corrupted: float32 ``(N, *shape)``.
        mean: float32 ``(N, *shape)``, of the exact posterior.
        std: float32 ``(N, *shape)``, its standard deviation.
        weights: float64 ``(N, M)``, the posterior probability of each original.
    """

    truth: Tensor
    corrupted: Tensor
    mean: Tensor
    std: Tensor
    weights: Tensor


def ask(problem: SamplingProblem, count: int, *, seed: int) -> Questions:
    """Draw truths from the set, corrupt them, and compute the exact posterior.

    Args:
        problem: The set and its corruption.
        count: How many truths are drawn, with replacement.
        seed: Names the streams of both draws.
    """
    index = torch.randint(len(problem.originals), (count,), generator=stream(seed, "sampler", "truth"))
    truth = as_float(problem.originals[index])
    corrupted = problem.corrupt(truth, stream(seed, "sampler", "corruption"))
    weights = _weights(problem, corrupted)
    flat = as_float(problem.originals).flatten(1).double()
    variance = (weights @ flat.square() - (weights @ flat).square()).clamp_min(0)
    mean, std = (it.float().view_as(truth) for it in (weights @ flat, variance.sqrt()))
    return Questions(truth, corrupted, mean, std, weights)


def exact_sampler(problem: SamplingProblem) -> SamplerFunction:
    """Draws originals from the exact posterior of a problem: what every other sampler of it is held against."""

    def sampler(corrupted: Tensor, count: int, generator: Generator) -> Tensor:
        weights = _weights(problem, corrupted)
        return draw_exact(problem, weights, count, generator)

    return sampler


def draw_exact(problem: SamplingProblem, weights: Tensor, count: int, generator: Generator) -> Tensor:
    """Originals drawn with known probabilities ``(N, M)``: float32 ``(count, N, *shape)``."""
    index = torch.multinomial(weights, count, replacement=True, generator=generator).T  # (count, N)
    return as_float(problem.originals[index.flatten()]).view(*index.shape, *problem.originals.shape[1:])


def _weights(problem: SamplingProblem, corrupted: Tensor) -> Tensor:
    """The posterior probability of each original, float64 ``(N, M)``."""
    known = posterior(corrupted, problem.originals, problem.likelihood, kept=len(problem.originals))
    weights = torch.zeros(len(corrupted), len(problem.originals), dtype=torch.float64)
    return weights.scatter_(1, known.candidates, known.weights.double())


def sampling_problem(name: str = "block", *, originals: int = 300, side: int = 8, seed: int = 0) -> SamplingProblem:
    """One of the small problems that need no data.

    Args:
        name: ``noise``: smooth pictures under Gaussian noise; ``erasure``, ``block``: pixels erased or a square
            covered, then noise; ``points``: points on a ring with a gap, under noise.
        originals: How many there are.
        side: Of a picture, in pixels.
        seed: Names the stream of the points.

    Raises:
        InputError: There is no such problem.
    """
    if name not in PROBLEMS:
        raise InputError(f"There is no sampling problem {name!r}. {choices(name, PROBLEMS)}")
    if name == "points":
        return SamplingProblem(
            name, _ring(originals, seed), GaussianNoised(0.3), lambda x, generator: _noise(x, 0.3, generator)
        )
    stored = as_uint8(pictures((1, side, side), originals))
    return _PICTURES[name](stored)


def _ring(count: int, seed: int) -> Tensor:
    angle = torch.rand(count, generator=stream(seed, "sampler", "ring")) * 5
    return torch.stack([angle.cos(), angle.sin()], 1)


def _under_noise(stored: Tensor) -> SamplingProblem:
    return SamplingProblem("noise", stored, GaussianNoised(0.8), lambda x, generator: _noise(x, 0.8, generator))


def _erased(stored: Tensor) -> SamplingProblem:
    def corrupt(x: Tensor, generator: Generator) -> Tensor:
        kept = torch.rand(x.shape, generator=generator) >= 0.9
        return _noise(x * kept, 0.2, generator)

    return SamplingProblem("erasure", stored, ErasedThenNoised(0.9, 0.2), corrupt)


def _covered(stored: Tensor) -> SamplingProblem:
    side = stored.shape[-1]
    size = side - 1

    def corrupt(x: Tensor, generator: Generator) -> Tensor:
        top, left = torch.randint(side - size + 1, (2, len(x), 1), generator=generator)
        places = torch.arange(side)
        rows, columns = ((places >= first) & (places < first + size) for first in (top, left))  # (B, side)
        hidden = rows[:, None, :, None] & columns[:, None, None, :]
        return _noise(x.masked_fill(hidden, 0.0), 0.3, generator)

    return SamplingProblem("block", stored, CoveredThenNoised(size, 0.3), corrupt)


def _noise(x: Tensor, sigma: float, generator: Generator) -> Tensor:
    return x + sigma * torch.randn(x.shape, generator=generator)


_PICTURES: dict[str, Callable[[Tensor], SamplingProblem]] = {
    "noise": _under_noise,
    "erasure": _erased,
    "block": _covered,
}
PROBLEMS = (*_PICTURES, "points")
