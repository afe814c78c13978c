"""What a corruption does to single pixels, counted from draws: p(y | r) as a table, whatever the corruption is.

Knows pairs of pictures: references r and what came out, y. Asks nothing of the corruption: noise that was clipped,
erased pixels, impulses and any mixture of them are what their counts say. Does not know what neighbours have in common:
of a covered square it knows how often a pixel is covered, not that its neighbours then are too.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

LEVELS, VALUES = 33, 97  # of a reference, and of what came out
TAIL = 5e-4  # share of what came out that lies beyond the last value on either side, and is counted there
SEEN = 200_000  # values that the tails are found among
SURE = 20  # draws of a level after which its own counts weigh half of those of a level drawn without end
RANK = 4  # factors: on digits, six of them restored no better
LEAST = 1e-300  # a probability that is still above zero


@dataclass(frozen=True)
class Bins:
    """Equal intervals around ``low, low + step, ...``; what lies outside belongs to the last one.

    Attributes:
        low: The middle of the first.
        step: From one middle to the next; above 0.
        count: How many there are, at most 256.
    """

    low: float
    step: float
    count: int

    @classmethod
    def between(cls, low: float, high: float, count: int) -> Self:
        """So many, their middles from low to high."""
        return cls(low, max(high - low, 1e-6) / (count - 1), count)

    def __call__(self, x: Tensor) -> Tensor:
        """The interval of each value, uint8."""
        return ((x - self.low) / self.step).round().clamp(0, self.count - 1).to(torch.uint8)


@dataclass(frozen=True)
class FactoredChannel:
    """The table as factors, a `daecore.analysis.local_posterior.PixelLikelihood` for grey pictures.

    Attributes:
        bins: Of the corrupted values.
        seen: float32 ``(bins, K)``, factors of a corrupted value.
        shown: float32 ``(levels, K)``, factors of a reference's level.
    """

    bins: Bins
    seen: Tensor
    shown: Tensor

    def corrupted_factors(self, corrupted: Tensor) -> Tensor:
        """Of grey pictures ``(B, 1, H, W)``: float32 ``(B, K, H, W)``."""
        return self.seen.T[:, self.bins(corrupted[:, 0]).long()].transpose(0, 1)

    def original_factors(self, references: Tensor) -> Tensor:
        """Of references as `PixelChannel.levels` gives them, uint8 ``(N, 1, H, W)``: float32 ``(N, K, H, W)``."""
        return self.shown.T[:, references[:, 0].long()].transpose(0, 1)


@dataclass(frozen=True)
class PixelChannel:
    """How often each level of a reference became each value.

    Attributes:
        levels: Of the references.
        values: Of what came out.
        counts: float64 ``(levels, values)``.
    """

    levels: Bins
    values: Bins
    counts: Tensor

    @classmethod
    def measure(cls, references: Tensor, corrupted: Tensor) -> Self:
        """Count pairs of pixels.

        Args:
            references: float32 ``(N, 1, H, W)``.
            corrupted: float32, the same shape: one draw for each.
        """
        some = corrupted.flatten()[:: max(1, corrupted.numel() // SEEN)].sort().values
        beyond = int(TAIL * len(some))
        values = Bins.between(some[beyond].item(), some[-1 - beyond].item(), VALUES)
        levels = Bins.between(references.min().item(), references.max().item(), LEVELS)
        cell = levels(references).int().mul_(VALUES).add_(values(corrupted))
        counts = cell.flatten().bincount(minlength=LEVELS * VALUES)
        return cls(levels, values, counts.double().view(LEVELS, VALUES))

    def smoothed(self, width: float) -> FactoredChannel:
        """Factors of log p(y | r), where an original stands for all that are near it: the table is blurred along r.

        A finite set never holds the very picture that is sought. Without the blur, a corruption without noise would
        leave no original possible.

        Args:
            width: Standard deviation of the blur, as a share of the references' range; above 0.
        """
        count = self.counts.sum(1)  # (levels,)
        place = torch.arange(LEVELS, dtype=torch.float64) / (LEVELS - 1)
        near = torch.exp((place[:, None] - place).square() / (-2 * width**2)) * (count / (count + SURE))
        given = self.counts / count.clamp_min(1)[:, None]
        nats = (near @ given / near.sum(1, keepdim=True).clamp_min(LEAST)).clamp_min(LEAST).log()
        return FactoredChannel(self.values, *_factor(nats, _share(count), _share(self.counts.sum(0))))


def _factor(nats: Tensor, levels: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """The best approximation of rank K, weighed by how often levels and values are: ``(values, K)``, ``(levels, K)``.

    What a value has in common for all levels is left out: it cancels among the originals.
    """
    nats = nats - levels @ nats
    left, strength, right = torch.linalg.svd(levels.sqrt()[:, None] * nats * values.sqrt(), full_matrices=False)
    shown = left[:, :RANK] * strength[:RANK] / levels.sqrt()[:, None]
    return (right[:RANK].T / values.sqrt()[:, None]).float(), shown.float()


def _share(count: Tensor) -> Tensor:
    """Counts as shares; what never came has a tiny one."""
    share = count / count.sum() + 1e-6
    return share / share.sum()
