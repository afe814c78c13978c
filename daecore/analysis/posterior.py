"""The exact posterior over a finite set of originals: what the best denoiser knows, in closed form.

With N equally likely originals and a known likelihood, p(original | corrupted) is a softmax over log-likelihoods.
Its mean is the best answer in squared error; under Gaussian noise it also gives the score of the smoothed data.
Everything is in log space and by the batch. Knows no network.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import torch
from torch import Generator, Tensor

from daecore.analysis.likelihood import GaussianNoised, Likelihood
from daecore.data.samples import as_float

PAIRS = 4_000_000  # likelihoods held at once: 16 or 32 MB
ORIGINALS = 5_000  # turned into floats at a time

Denoiser = Callable[[Tensor], Tensor]
"""Restores a batch ``(B, ...)`` of corrupted samples."""


@dataclass(frozen=True)
class Posterior:
    """What is known of the originals of B corrupted samples.

    Attributes:
        mean: float32 ``(B, *shape)``, the posterior mean: no estimate has a smaller expected squared error.
        entropy: float32 ``(B,)``, in nats; the logarithm of how many originals are about equally possible.
        log_evidence: float32 ``(B,)``, log p(corrupted), in nats.
        candidates: int64 ``(B, K)``, positions of the most probable originals, the most probable first.
        weights: float32 ``(B, K)``, their posterior probabilities.
    """

    mean: Tensor
    entropy: Tensor
    log_evidence: Tensor
    candidates: Tensor
    weights: Tensor


def posterior(corrupted: Tensor, originals: Tensor, likelihood: Likelihood, *, kept: int = 5) -> Posterior:
    """The posterior over equally likely originals, for every corrupted sample.

    Args:
        corrupted: float32 ``(B, *shape)``.
        originals: ``(N, *shape)``, as they are stored.
        likelihood: log p(corrupted | original).
        kept: How many of the most probable originals are named; at most N.
    """
    parts = [_summary(log, originals, kept) for log in _joint(corrupted, originals, likelihood)]
    return Posterior(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Posterior)))


def draw_originals(corrupted: Tensor, originals: Tensor, likelihood: Likelihood, *, generator: Generator) -> Tensor:
    """One original for each corrupted sample, drawn from its posterior: positions, int64 ``(B,)``."""
    parts = [
        torch.multinomial(log.softmax(1), 1, generator=generator)[:, 0]
        for log in _joint(corrupted, originals, likelihood)
    ]
    return torch.cat(parts)


def exact_denoiser(originals: Tensor, sigma: float) -> Denoiser:
    """The best denoiser under Gaussian noise: x to the posterior mean.

    Args:
        originals: ``(N, *shape)``, all equally likely.
        sigma: Standard deviation of the noise.
    """
    return lambda x: posterior(x, originals, GaussianNoised(sigma), kept=1).mean


def score(x: Tensor, originals: Tensor, sigma: float) -> Tensor:
    """The gradient of log q_sigma, q_sigma the mixture of Gaussians at the originals: (posterior mean - x) / sigma^2.

    Args:
        x: float32 ``(B, *shape)``.
        originals: ``(N, *shape)``.
        sigma: Standard deviation of each Gaussian.

    Source: Robbins, "An empirical Bayes approach to statistics", 1956; Vincent, "A connection between score matching
    and denoising autoencoders", Neural Computation 23, 2011.
    """
    return (exact_denoiser(originals, sigma)(x) - x) / sigma**2


def _joint(corrupted: Tensor, originals: Tensor, likelihood: Likelihood) -> Iterator[Tensor]:
    """Log p(corrupted, original), a few corrupted samples at a time: ``(b, N)``."""
    with torch.no_grad():
        for few in corrupted.split(max(1, PAIRS // len(originals))):
            yield likelihood(few, originals) - math.log(len(originals))


def _summary(log: Tensor, originals: Tensor, kept: int) -> Posterior:
    evidence = log.logsumexp(1, keepdim=True)
    log_weights = log - evidence  # (b, N)
    weights = log_weights.exp()
    mean = torch.zeros(len(log), originals[0].numel(), dtype=weights.dtype, device=log.device)
    for some, part in zip(originals.split(ORIGINALS), weights.split(ORIGINALS, 1), strict=True):
        mean.addmm_(part, as_float(some).flatten(1).to(weights.dtype))
    entropy = -(weights * log_weights.clamp(min=-1e4)).sum(1)  # 0 log 0 is 0, not NaN
    most = weights.topk(min(kept, len(originals)), 1)
    return Posterior(
        mean.view(-1, *originals.shape[1:]).float(), entropy.clamp(min=0).float(), evidence[:, 0].float(), most.indices,
        most.values.float(),
    )  # fmt: skip
