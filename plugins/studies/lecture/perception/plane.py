"""Distortion against perception in the plane, where all is exact: posterior, samples, and the best transport.

Nothing is trained. Perception is the Wasserstein distance of two sets of points, by the best assignment between them.
"""

from collections.abc import Mapping

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from daecore import stream
from daecore.analysis import GaussianNoised, draw_originals, exact_denoiser
from daecore.study import Laboratory

from .law import MeasuredEstimator

RECIPE = "lecture/gap"  # its points; the noise is this study's own, and wider
SIGMA = 1.0  # so wide that the mean is far from the data
SETS, POINTS, QUICK_SETS, QUICK_POINTS = 8, 1_000, 4, 300
ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
MEASURED = "Wasserstein distance over the root of the mean's error"
SAMPLES, BEST = "mean to posterior sample", "mean to its best transport"
Ways = Mapping[str, Mapping[str, MeasuredEstimator]]


def measure(lab: Laboratory) -> Ways:
    """Two ways from the mean to points that look like data: posterior samples, and the best transport of the mean."""
    data = lab.splits(lab.experiment(RECIPE)).train.data
    count, draws = (QUICK_POINTS, QUICK_SETS) if lab.quick else (POINTS, SETS)
    count = min(count, len(data))
    sets = [_measure(data, count, number) for number in range(draws)]
    return {
        way: {
            label: MeasuredEstimator(*zip(*(found[way][label] for found in sets), strict=True))
            for label in sets[0][way]
        }
        for way in sets[0]
    }  # fmt: skip


def wasserstein(first: Tensor, second: Tensor) -> tuple[float, Tensor]:
    """The Wasserstein distance of two sets of N points, and for each of the first its partner, int64 ``(N,)``.

    Args:
        first: ``(N, F)``.
        second: ``(N, F)``.

    Source: Kuhn, "The Hungarian method for the assignment problem", 1955.
    """
    cost = torch.cdist(first.double(), second.double()).square()
    rows, partners = linear_sum_assignment(cost.numpy())
    return float(cost[rows, partners].mean().sqrt()), torch.from_numpy(partners)


def draw_evenly(data: Tensor, count: int, generator: Generator) -> Tensor:
    """Points of the data, one from each of equally long parts of the arc: ``(count, 2)``.

    Each point is as likely as any other, and sets of them are nearer to the data than those of independent draws.

    Args:
        data: ``(N, 2)``.
        count: At most N.
        generator: The random stream.
    """
    order = torch.atan2(data[:, 1], data[:, 0]).argsort()
    position = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    return data[order[(position * len(data)).long().clamp_max(len(data) - 1)]]


def _measure(data: Tensor, count: int, number: int) -> dict[str, dict[str, tuple[float, float]]]:
    """Perception and distortion of every estimator, on one set of points."""
    generator = stream(0, "perception", "plane", number)
    clean, target, others = (draw_evenly(data, count, generator) for _ in range(3))
    noisy = clean + SIGMA * torch.randn(clean.shape, generator=generator)
    mean = exact_denoiser(data, SIGMA)(noisy)
    drawn = data[draw_originals(noisy, data, GaussianNoised(SIGMA), generator=generator)]
    ends = {SAMPLES: drawn, BEST: target[wasserstein(mean, target)[1]]}
    least = float((mean - clean).square().sum(1).mean())

    def both(points: Tensor) -> tuple[float, float]:
        return wasserstein(points, others)[0] / least**0.5, float((points - clean).square().sum(1).mean()) / least

    return {way: {f"{alpha:g}": both(torch.lerp(mean, end, alpha)) for alpha in ALPHAS} for way, end in ends.items()}
