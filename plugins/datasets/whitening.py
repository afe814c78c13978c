"""ZCA whitening: patches in which no pixel says anything of another, linearly.

Knows vectors. ZCA rather than PCA: its matrix is symmetric, so that it depends neither on the signs nor on the order
of eigenvectors, and white patches are still pictures.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

REGULARISATION = 0.1  # of the mean variance, added to every eigenvalue: fine noise is not blown up either
GRID = 2.0**-12  # values are rounded to it: else the last bits, and the digest, would depend on the number of threads


def centre(vectors: Tensor) -> Tensor:
    """Each vector without its own mean; ``(N, D)``.

    Its contrast stays as it is: strong edges are rare, and filters for edges are learnt from what is rare. Divided by
    their contrast, the same patches taught far fewer of them.
    """
    return vectors - vectors.mean(1, keepdim=True)


@dataclass(frozen=True)
class Whitening:
    """The map that whitens.

    Attributes:
        mean: float64 ``(D,)``, of the vectors it was measured on.
        matrix: float64 ``(D, D)``, symmetric.
    """

    mean: Tensor
    matrix: Tensor

    @classmethod
    def of(cls, vectors: Tensor) -> Self:
        """Measure it on vectors ``(N, D)``: ``V (L + r mean(L))^(-1/2) V^T``, scaled to a mean variance of one.

        Source: Bell and Sejnowski, "The independent components of natural scenes are edge filters", Vision Research 37,
        1997; the regularisation as in Coates, Lee and Ng, AISTATS 2011.
        """
        mean = vectors.double().mean(0)
        around = vectors.double() - mean
        values, directions = torch.linalg.eigh(around.T @ around / len(vectors))
        gains = (values.clamp(min=0) + REGULARISATION * values.mean()).rsqrt()
        left = (values.clamp(min=0) * gains.square()).mean()  # the mean variance, were it not scaled
        return cls(mean, (directions * (gains / left.sqrt())) @ directions.T)

    def __call__(self, vectors: Tensor) -> Tensor:
        """The vectors ``(N, D)``, whitened, rounded to `GRID`."""
        return (((vectors.double() - self.mean) @ self.matrix) / GRID).round() * GRID
