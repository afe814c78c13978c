"""Thresholds: how far bounds must reach, by their width, for every level.

Knows scores and widths as numbers. Does not know which level keeps a promise: see `daecore.uncertainty.calibration`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

UNCERTAIN = 0.05  # standard deviation of a value, in its own units, from which on coverage says something
GROUPS = 16  # of equally many values by width: each has thresholds of its own
LEVELS = 1000  # steps from 0 to 1
DOUBLED = 40  # further steps, at which the largest thresholds are doubled: at the last one nothing is missed
LEAST = 1e-3  # of a threshold that is doubled


@dataclass(frozen=True)
class Scored:
    """The values of N pictures, ``(N, D)`` each.

    Attributes:
        score: The least threshold at which bounds hold the truth.
        width: What thresholds may depend on.
        uncertain: bool: whether the value counts.
    """

    score: Tensor
    width: Tensor
    uncertain: Tensor

    def __len__(self) -> int:
        return len(self.score)

    def select(self, index: Tensor) -> "Scored":
        """Some of the pictures."""
        return Scored(self.score[index], self.width[index], self.uncertain[index])


@dataclass(frozen=True)
class Thresholds:
    """A threshold for each value, by its width; straight between the groups' middles.

    Attributes:
        width: float32 ``(2, GROUPS)``, the middle of each group, ascending: of certain values, then of uncertain ones.
        threshold: float32 ``(2, GROUPS)``.
    """

    width: Tensor
    threshold: Tensor

    def __call__(self, width: Tensor, uncertain: Tensor) -> Tensor:
        """The thresholds of values of any shape."""
        knots, values = self.width.to(width.device), self.threshold.to(width.device)
        found = [_between(width, *pair) for pair in zip(knots, values, strict=True)]
        return torch.where(uncertain, found[1], found[0])


@dataclass(frozen=True)
class Curves:
    """How thresholds depend on width, for every level.

    Attributes:
        width: float32 ``(2, GROUPS)``; see `Thresholds`.
        quantiles: float32 ``(2, LEVELS + 1, GROUPS)``, of the scores in each group.
    """

    width: Tensor
    quantiles: Tensor

    @classmethod
    def fit(cls, scored: Scored) -> "Curves":
        """The curves of some pictures."""
        parts = [_groups(scored.score[kind], scored.width[kind]) for kind in (~scored.uncertain, scored.uncertain)]
        return cls(torch.stack([width for width, _ in parts]), torch.stack([quantiles for _, quantiles in parts]))

    def at(self, step: int) -> Thresholds:
        """The thresholds at a level of ``step / LEVELS``; beyond 1 each step doubles the largest ones."""
        if step <= LEVELS:
            return Thresholds(self.width, self.quantiles[:, step])
        return Thresholds(self.width, self.quantiles[:, LEVELS].clamp_min(LEAST) * 2.0 ** (step - LEVELS))


def _groups(score: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
    """The middle width of each group ``(GROUPS,)`` and the quantiles of its scores ``(LEVELS + 1, GROUPS)``."""
    if len(score) < GROUPS:  # hardly any such value: they have the widest bounds there are
        return torch.linspace(0, 1, GROUPS), torch.full((LEVELS + 1, GROUPS), float(score.max()) if len(score) else 1.0)
    order = width.argsort(stable=True)
    parts: Sequence[Tensor] = order.tensor_split(GROUPS)
    at = torch.arange(LEVELS + 1).double() / LEVELS
    quantiles = torch.stack([_quantiles(score[part], at) for part in parts], 1)
    return torch.stack([width[part].median() for part in parts]), quantiles


def _quantiles(score: Tensor, at: Tensor) -> Tensor:
    """Each as the smallest score that so large a share does not exceed."""
    found = score.sort().values
    return found[(at * len(found)).ceil().long().sub(1).clamp_min(0)]


def _between(width: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Straight between knots, constant beyond them."""
    inside = width.clamp(knots[0].item(), knots[-1].item())
    right = torch.searchsorted(knots.contiguous(), inside).clamp(1, len(knots) - 1)
    span = (knots[right] - knots[right - 1]).clamp_min(1e-12)
    share = ((inside - knots[right - 1]) / span).clamp(0, 1)
    return torch.lerp(values[right - 1], values[right], share)
