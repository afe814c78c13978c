"""The learned baseline: the best linear map from corrupted to clean values, in closed form.

Knows tensors and the corruptor. No gradient, no epochs: what it reaches, a network must beat.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from daecore.corruption.corruptor import Corruptor
from daecore.data.batch_source import Shape
from daecore.data.samples import Pairs, Samples, as_float
from daecore.rng import stream
from daecore.stats.metrics import squared_error

SIZE = 2500
RIDGES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


@dataclass(frozen=True)
class LinearMap:
    """An affine map of flattened samples.

    Attributes:
        weight: float32 ``(inputs, outputs)``.
        bias: float32 ``(outputs,)``.
    """

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor, shape: Shape) -> Tensor:
        """Map a corrupted batch ``(B, ...)`` to ``(B, *shape)``."""
        return torch.addmm(self.bias, x.flatten(1), self.weight).view(-1, *shape)


@dataclass(frozen=True)
class Moments:
    """First and second moments of the training pairs, float64: all that ridge regression needs.

    Attributes:
        mean_x: ``(inputs,)``.
        mean_y: ``(outputs,)``.
        covariance: ``(inputs, inputs)``, of the corrupted values.
        cross: ``(inputs, outputs)``, corrupted with clean.
    """

    mean_x: Tensor
    mean_y: Tensor
    covariance: Tensor
    cross: Tensor

    @cached_property
    def spectrum(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues ``(inputs,)`` and eigenvectors of the covariance: they serve every ridge.

        A blur leaves variances below the rounding of sums; those that came out negative are zero.
        """
        values, vectors = torch.linalg.eigh(self.covariance)
        return values.clamp_min(0), vectors

    @cached_property
    def turned(self) -> Tensor:
        """The cross moments in the eigenvectors' directions, ``(inputs, outputs)``: they serve every ridge, too."""
        return self.spectrum[1].T @ self.cross

    def variances(self, ridge: float) -> Tensor:
        """What each direction is divided by, ``(inputs,)``."""
        return self.spectrum[0] + ridge * self.covariance.diagonal().mean().clamp_min(1e-12)


def fit_linear(train: Samples, validation: Pairs, corruptor: Corruptor) -> tuple[LinearMap, float]:
    """Ridge regression on the whole training set, freshly corrupted; the ridge is chosen on validation pairs.

    The minimiser of ``mean |W (x - m_x) - (y - m_y)|^2 + ridge * s * |W|^2``, s the mean variance of an input.

    Args:
        train: The training samples.
        validation: Pairs that choose the ridge.
        corruptor: What makes x from y.

    Returns:
        The map and the ridge chosen, relative to the mean variance of an input.

    Source: Hoerl and Kennard, "Ridge regression", Technometrics 12(1), 1970.
    """
    moments = measure_moments(train, corruptor)
    clean = as_float(validation.clean.data)
    x = (validation.corrupted.flatten(1).double() - moments.mean_x) @ moments.spectrum[1]  # (N, inputs)

    def error(ridge: float) -> float:
        restored = torch.addmm(moments.mean_y, x / moments.variances(ridge), moments.turned).float()
        return squared_error(restored.view_as(clean), clean).mean().item()

    best = min(RIDGES, key=error)
    return solve(moments, best), best


def measure_moments(train: Samples, corruptor: Corruptor) -> Moments:
    """One pass over the training set: products in float32 by the batch, sums in float64."""
    generator = stream(0, "linear referee", train.digest, corruptor.digest)
    sums: list[Tensor] = []
    for batch in train.to("cpu").batches(SIZE):
        x = corruptor(batch.clean, generator).x.flatten(1).to(train.device)
        y = batch.clean.flatten(1).to(train.device)
        parts = (x.sum(0), y.sum(0), x.T @ x, x.T @ y)
        sums = (
            [total.add_(part) for total, part in zip(sums, parts, strict=True)]
            if sums
            else [part.double() for part in parts]
        )
    mean_x, mean_y, square, product = (total.div_(len(train)) for total in sums)
    return Moments(mean_x, mean_y, square.addr_(mean_x, mean_x, alpha=-1), product.addr_(mean_x, mean_y, alpha=-1))


def solve(moments: Moments, ridge: float) -> LinearMap:
    """The map of least regularised squared error, in float64."""
    weight = moments.spectrum[1] @ (moments.turned / moments.variances(ridge)[:, None])
    return LinearMap(weight.float(), (moments.mean_y - moments.mean_x @ weight).float())
