"""Two fields of displacements, compared as wholes: what a denoiser does to points, beside what it should do.

Near the data the exact displacement is about zero and its direction noise. So nothing is compared point by point: the
means over all points are, with intervals over points. Knows displacements only.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from daecore.stats.intervals import Interval, bootstrap_of_means


@dataclass(frozen=True)
class Agreement:
    """How well a field r agrees with the exact one r*, each with its bootstrap interval over points.

    Attributes:
        cosine: ``E[r . r*] / sqrt(E|r|^2 E|r*|^2)``: 1 where they are proportional.
        magnitude_ratio: ``sqrt(E|r|^2 / E|r*|^2)``: 1 where they are equally long.
        relative_error: ``sqrt(E|r - r*|^2 / E|r*|^2)``: 0 where they are equal.
    """

    cosine: Interval
    magnitude_ratio: Interval
    relative_error: Interval


def agreement(field: Tensor, exact: Tensor, *, generator: Generator) -> Agreement:
    """Compare two fields at the same points, drawn as the fields will be met.

    Args:
        field: ``(N, *shape)``, displacements.
        exact: ``(N, *shape)``, those that are right; not all zero.
        generator: The bootstrap's random stream, on the CPU.
    """
    r, s = field.flatten(1).double(), exact.flatten(1).double()
    products = [r * s, r.square(), s.square(), (r - s).square()]
    columns = torch.stack([product.sum(1) for product in products], 1)  # (N, 4)
    return Agreement(
        bootstrap_of_means(columns, _cosine, generator=generator),
        bootstrap_of_means(columns[:, [1, 2]], _root_ratio, generator=generator),
        bootstrap_of_means(columns[:, [3, 2]], _root_ratio, generator=generator),
    )


def _cosine(means: Tensor) -> Tensor:
    return means[..., 0] / (means[..., 1] * means[..., 2]).sqrt()


def _root_ratio(means: Tensor) -> Tensor:
    return (means[..., 0] / means[..., 1]).sqrt()
