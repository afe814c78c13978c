"""Feature sets: how near two sets of points are to each other, as distributions.

Pure functions of two tensors. Knows nothing of where the features come from.
"""

import torch
from torch import Tensor

from daecore.data.samples import as_float

NEIGHBOURS = 3
ROWS = 5_000  # of a set that is compared at a time


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """The squared distance of two Gaussians with the sets' means and covariances.

    ``|m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1^(1/2) S_2 S_1^(1/2))^(1/2))``. Finite sets of one distribution are some way
    apart too: compare it with that of sets of the same sizes.

    Args:
        first: ``(N, F)``, N >= 2.
        second: ``(M, F)``, M >= 2.

    Source: Dowson and Landau, "The Frechet distance between multivariate normal distributions", 1982; for features of
    a classifier Heusel et al., "GANs trained by a two time-scale update rule", NeurIPS 2017.

    >>> points = torch.tensor([[-1.0], [1.0]])
    >>> frechet_distance(points, points + 3)
    9.0
    """
    one, two = first.double(), second.double()
    covariances = [it.T.cov().reshape(it.shape[1], -1) for it in (one, two)]
    root = _root(covariances[0])
    middle = torch.linalg.eigvalsh(root @ covariances[1] @ root).clamp_min(0).sqrt().sum()
    trace = covariances[0].trace() + covariances[1].trace() - 2 * middle
    return float((one.mean(0) - two.mean(0)).square().sum() + trace)


def precision_and_recall(real: Tensor, drawn: Tensor, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """The share of drawn points inside the real ones' neighbourhoods, and of real ones inside the drawn ones'.

    A point's neighbourhood reaches to its k-th nearest point of its own set.

    Args:
        real: ``(N, F)``, N > k.
        drawn: ``(M, F)``, M > k.
        neighbours: k.

    Source: Kynkaanniemi et al., "Improved precision and recall metric for assessing generative models", NeurIPS 2019.
    """
    between = torch.cdist(real.double(), drawn.double())  # (N, M)
    inside_real = (between <= _reach(real, neighbours)[:, None]).any(0)
    inside_drawn = (between <= _reach(drawn, neighbours)[None]).any(1)
    return float(inside_real.double().mean()), float(inside_drawn.double().mean())


def nearest_distance(points: Tensor, known: Tensor) -> Tensor:
    """The distance of each point from the nearest of a set: ``(B,)``.

    Args:
        points: float32 ``(B, *shape)``.
        known: ``(M, *shape)``, as it is stored.
    """
    x, square = points.flatten(1), points.flatten(1).square().sum(1)
    least = x.new_full((len(x),), torch.inf)
    for some in known.split(ROWS):
        other = as_float(some).flatten(1)
        least = torch.minimum(least, torch.addmm(other.square().sum(1), x, other.T, alpha=-2).amin(1))
    return (least + square).clamp_min(0).sqrt()


def _reach(points: Tensor, neighbours: int) -> Tensor:
    """The distance of each point from its k-th nearest other one, ``(N,)``."""
    distances = torch.cdist(points.double(), points.double()).fill_diagonal_(torch.inf)
    return distances.kthvalue(neighbours, 1).values


def _root(covariance: Tensor) -> Tensor:
    """The symmetric root of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors @ values.clamp_min(0).sqrt().diag() @ vectors.T
    return root
