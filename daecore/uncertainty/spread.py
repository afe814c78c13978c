"""Spread: what is thought of how far each restored value may be off, as bounds that widen with a threshold.

Knows the simplest kind, a standard deviation; the other is `daecore.uncertainty.binned_spread`. Does not know which
threshold keeps a promise (see `daecore.uncertainty.calibration`), nor where a deviation comes from.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

NORMAL = 1.645  # deviations within which nine tenths of a normal distribution lie
LEAST = 1e-6  # a standard deviation below that of rounding


class Spread(Protocol):
    """Bounds around B restored pictures. All tensors are ``(B, C, H, W)``.

    Attributes:
        restored: The restoration, in [0, 1]; it lies within the bounds.
        std: The standard deviation that is thought of.
        width: How wide the bounds are that would be right if the thought were: what thresholds may depend on.
        squared_error: The squared error that is expected of the restoration.
    """

    @property
    def restored(self) -> Tensor:
        """The restoration."""
        ...

    @property
    def std(self) -> Tensor:
        """The standard deviation that is thought of."""
        ...

    @property
    def width(self) -> Tensor:
        """What thresholds may depend on."""
        ...

    @property
    def squared_error(self) -> Tensor:
        """The squared error that is expected."""
        ...

    def score(self, truth: Tensor) -> Tensor:
        """The least threshold at which the bounds hold the truth."""
        ...

    def bounds(self, threshold: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper bound at a threshold for each value; they widen with it."""
        ...


@dataclass(frozen=True)
class DeviationSpread:
    """Bounds at a multiple of the standard deviation, clipped to [0, 1].

    Attributes:
        restored: float32 ``(B, C, H, W)``, in [0, 1].
        std: float32 ``(B, C, H, W)``, at least `LEAST`.
    """

    restored: Tensor
    std: Tensor

    @cached_property
    def width(self) -> Tensor:
        """How far the bounds of a normal distribution would be apart, clipped."""
        low, high = self.bounds(torch.full_like(self.std, NORMAL))
        return high - low

    @property
    def squared_error(self) -> Tensor:
        """The variance."""
        return self.std.square()

    def score(self, truth: Tensor) -> Tensor:
        """How many standard deviations the truth is off."""
        return (truth - self.restored).abs() / self.std

    def bounds(self, threshold: Tensor) -> tuple[Tensor, Tensor]:
        """``restored -+ threshold std``, clipped."""
        half = threshold * self.std
        return (self.restored - half).clamp_min(0), (self.restored + half).clamp_max(1)
