"""A distribution over bins of the error as a spread: bounds that hold a share of its probability.

Knows probabilities. Does not know the network that gives them, nor which share keeps a promise.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from daecore.uncertainty.spread import LEAST

SHARES = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)  # of what is left out, how much below: the shortest is taken
PER_SIDE = 32  # bins of the error, below and above
FINEST = 1 / 512  # half of the middle bin: half a step of an 8-bit picture
ROUNDING = 1e-6


@dataclass(frozen=True)
class BinnedSpread:
    """Bounds from a distribution over bins of the error, as short as they can be for what they hold.

    Of the probability that is left out a share lies below, the rest above. Each value has the share that makes its
    bounds shortest: none below for a value that is black in most cases. So values that are often exactly 0 or 1 have
    bounds that hold 0 or 1.

    Attributes:
        restored: float32 ``(B, C, H, W)``, in [0, 1].
        probabilities: float32 ``(B, C, H, W, K)``, of the error ``truth - restored`` in each bin of `edges`.
        level: The probability for which the shares are chosen.
    """

    restored: Tensor
    probabilities: Tensor
    level: float

    @cached_property
    def std(self) -> Tensor:
        """The standard deviation of the distribution."""
        variance = self.squared_error - (self.probabilities * self._values).sum(-1).square()
        return variance.clamp_min(LEAST**2).sqrt()

    @cached_property
    def squared_error(self) -> Tensor:
        """The mean square of the error."""
        return (self.probabilities * self._values.square()).sum(-1)

    @cached_property
    def width(self) -> Tensor:
        """How far the bounds at `level` are apart."""
        low, high = self.bounds(torch.full_like(self.restored, self.level))
        return high - low

    def score(self, truth: Tensor) -> Tensor:
        """One minus the probability beyond the truth, over the share that may lie there; 0 at the restoration."""
        error, at = truth - self.restored, edges().to(truth.device)
        bins = bin_of(error)  # (B, C, H, W)
        part = (error - at[bins]) / (at[bins + 1] - at[bins])
        black, white = self._ends
        below = _of(self._before, bins) + _of(self.probabilities, bins) * torch.where(bins == black, 1.0, part)
        above = 1 - _of(self._before, bins) - _of(self.probabilities, bins) * torch.where(bins == white, 0.0, part)
        left = torch.where(error < 0, below, above)
        share = torch.where(error < 0, self._share, 1 - self._share)
        score = torch.where(share > 0, 1 - left / share.clamp_min(ROUNDING), 0.0)
        return torch.where(bins == PER_SIDE, 0.0, score).clamp_min(0)

    def bounds(self, threshold: Tensor) -> tuple[Tensor, Tensor]:
        """What holds the probability ``threshold``, and the restoration; clipped to [0, 1]."""
        return self._bounds(threshold, self._share)

    def _bounds(self, threshold: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        out = (1 - threshold).clamp_min(0)
        at = edges().to(threshold.device)
        last = self.probabilities.shape[-1] - 1
        below, above = out * share - ROUNDING, 1 - out * (1 - share) + ROUNDING
        first = torch.searchsorted(self._cumulative, below[..., None])[..., 0].clamp(0, PER_SIDE)
        final = torch.searchsorted(self._before, above[..., None], right=True)[..., 0].sub(1).clamp(PER_SIDE, last)
        black, white = self._ends
        cut = torch.where((first == black) | (first == PER_SIDE), 0.0, self._part(first, below))
        kept = torch.where((final == white) | (final == PER_SIDE), 1.0, self._part(final, above))
        low = self.restored + torch.lerp(at[first], at[first + 1], cut)
        high = self.restored + torch.lerp(at[final], at[final + 1], kept)
        return low.clamp_min(0), high.clamp_max(1)

    def _part(self, bins: Tensor, probability: Tensor) -> Tensor:
        """How far into a bin one must go for the cumulative probability."""
        own = _of(self.probabilities, bins).clamp_min(ROUNDING**2)
        return ((probability - _of(self._before, bins)) / own).clamp(0, 1)

    @cached_property
    def _ends(self) -> tuple[Tensor, Tensor]:
        """The bins of the values 0 and 1, which hold these very values: they are kept whole."""
        return bin_of(-self.restored), bin_of(1 - self.restored)

    @cached_property
    def _share(self) -> Tensor:
        """The share below that makes the bounds at `level` shortest: ``(B, C, H, W)``."""
        threshold = torch.full_like(self.restored, self.level)
        best, chosen = torch.full_like(threshold, torch.inf), torch.full_like(threshold, 0.5)
        for share in sorted(SHARES, key=lambda it: abs(it - 0.5)):
            low, high = self._bounds(threshold, torch.full_like(threshold, share))
            better = high - low < best - ROUNDING
            best, chosen = torch.where(better, high - low, best), torch.where(better, share, chosen)
        return chosen

    @cached_property
    def _cumulative(self) -> Tensor:
        return self.probabilities.cumsum(-1)

    @cached_property
    def _before(self) -> Tensor:
        """The probability of all lower bins."""
        return self._cumulative - self.probabilities

    @cached_property
    def _values(self) -> Tensor:
        """The error that each bin stands for, within what a value in [0, 1] allows: ``(B, C, H, W, K)``."""
        at = edges().to(self.restored.device)
        middle, restored = (at[1:] + at[:-1]) / 2, self.restored[..., None]
        return torch.minimum(torch.maximum(middle, -restored), 1 - restored)


def bin_of(error: Tensor) -> Tensor:
    """The bin of each error, int64."""
    return torch.bucketize(error, edges().to(error.device)[1:-1], right=True)


def _of(table: Tensor, bins: Tensor) -> Tensor:
    """The entry of each value's own bin: ``(..., K)`` at ``(...)``."""
    return table.gather(-1, bins[..., None])[..., 0]


def edges() -> Tensor:
    """Where bins of the error end, from -1 to 1: float32 ``(2 PER_SIDE + 2,)``, each wider than its inner neighbour."""
    side = torch.logspace(0, 1, PER_SIDE + 1, base=1 / FINEST) * FINEST
    return torch.cat([-side.flip(0), side])
