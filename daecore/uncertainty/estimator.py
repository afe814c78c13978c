"""Estimators: what is thought of a restoration's errors, before any promise: from its derivative, or from a network.

Knows a restoring network and corrupted pictures. Does not know thresholds.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from daecore.errors import InputError
from daecore.uncertainty.binned_spread import BinnedSpread
from daecore.uncertainty.error_network import ErrorNetwork
from daecore.uncertainty.spread import LEAST, DeviationSpread, Spread
from daecore.uncertainty.tweedie import derivative, posterior_moments


class Estimator(Protocol):
    """``estimator(model, corrupted)`` is what is thought of the restorations of a batch ``(B, C, h, w)``."""

    def __call__(self, model: nn.Module, corrupted: Tensor) -> Spread:
        """Restores, too; the model is in evaluation mode."""
        ...

    def to(self, device: str) -> "Estimator":
        """The same on another device."""
        ...


@dataclass(frozen=True)
class DerivativeEstimator:
    """The standard deviation by second-order Tweedie: for unclipped Gaussian noise of known strength.

    Attributes:
        sigma: Standard deviation of the noise.
    """

    sigma: float

    def __call__(self, model: nn.Module, corrupted: Tensor) -> Spread:
        """A deviation for each value."""
        moments = posterior_moments(model, corrupted.float(), self.sigma, directions=1)
        return DeviationSpread(moments.mean.clamp(0, 1), moments.variance.sqrt().clamp_min(LEAST))

    def to(self, device: str) -> "DerivativeEstimator":
        """Itself: it holds no tensor."""
        return self


@dataclass(frozen=True)
class LearnedEstimator:
    """A distribution of the error by a network that was trained on it.

    Attributes:
        network: In evaluation mode, on the model's device.
        level: The probability for which bounds are made as short as they can be.
    """

    network: ErrorNetwork
    level: float

    def __call__(self, model: nn.Module, corrupted: Tensor) -> Spread:
        """A distribution for each value."""
        with torch.no_grad():
            restored = model(corrupted).float().clamp(0, 1)
            found = self.network(corrupted, restored).float()  # (B, K, C, H, W)
        return BinnedSpread(restored, found.softmax(1).movedim(1, -1).contiguous(), self.level)

    def to(self, device: str) -> "LearnedEstimator":
        """The same network there."""
        return LearnedEstimator(self.network.to(device), self.level)


def has_derivative(model: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether the derivative of a network can be taken forwards.

    Args:
        model: In evaluation mode.
        shape: Of one corrupted sample.
    """
    x = torch.zeros(1, *shape, device=next(model.parameters()).device)
    try:
        derivative(model, x, torch.ones_like(x))
    except InputError:
        return False
    return True
