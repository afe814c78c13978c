"""Networks that differ in one thing, trained with the same seeds, and how far apart they are on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from daecore.corruption import Corruptor, draw_pairs
from daecore.data import Pairs, Splits, as_float
from daecore.experiment import Experiment
from daecore.model import restore
from daecore.stats import Interval, psnr, student
from daecore.study import Laboratory, Trained

SEEDS, QUICK_SEEDS = 5, 2
CLEAN = "objective={mse: {}}"
QUICK = ("training.batch=16",)  # on fewer images, more steps


@dataclass(frozen=True)
class Networks:
    """One network per seed, from one recipe.

    Attributes:
        experiments: Per seed.
        trained: Likewise.
        splits: Their data.
    """

    experiments: tuple[Experiment, ...]
    trained: tuple[Trained, ...]
    splits: Splits

    @cached_property
    def pairs(self) -> Pairs:
        """The first group of test images with the evaluation's own noise, the same for all networks."""
        return draw_pairs(self.splits.test[0], self.corruptor)

    @property
    def corruptor(self) -> Corruptor:
        """What the networks are given is corrupted by it."""
        return self.experiments[0].corruptor

    @property
    def steps(self) -> int:
        """How many steps a training took."""
        training = self.experiments[0].training
        return training.epochs * -(-len(self.splits.train) // training.batch)

    def first(self, count: int) -> "Networks":
        """Those of the first seeds."""
        return replace(self, experiments=self.experiments[:count], trained=self.trained[:count])

    def restore_first(self, count: int, seed: int = 0) -> Tensor:
        """What the network of one seed makes of the first test images: ``(count, C, H, W)``."""
        return restore(self.trained[seed].network, self.pairs.corrupted[:count])

    @cached_property
    def decibels(self) -> list[float]:
        """Mean PSNR over the test images, per seed."""
        clean, corrupted = as_float(self.pairs.clean.data), self.pairs.corrupted
        return [psnr(restore(one.network, corrupted), clean).mean().item() for one in self.trained]


def networks(lab: Laboratory, recipe: str, *changes: str, quick: Sequence[str] = QUICK, seeds: int = SEEDS) -> Networks:
    """Train a recipe once per seed.

    Args:
        lab: Trains, or takes what is trained already.
        recipe: Its name without ``lecture/n2n-``.
        changes: As ``--set`` takes them.
        quick: More of them, where budgets are small.
        seeds: How many; where budgets are small, `QUICK_SEEDS`.
    """
    numbers = range(QUICK_SEEDS if lab.quick else seeds)
    name = f"lecture/n2n-{recipe}"
    experiments = tuple(lab.experiment(name, *changes, f"seed={seed}", quick=quick) for seed in numbers)
    return Networks(experiments, tuple(map(lab.train, experiments)), lab.splits(experiments[0]))


def difference(one: Networks, other: Networks) -> Interval:
    """The mean of `differences`, with Student's interval."""
    return student(differences(one, other))


def differences(one: Networks, other: Networks) -> Tensor:
    """Mean PSNR of one minus that of the other in dB, seed by seed: both have the same."""
    return torch.tensor(one.decibels) - torch.tensor(other.decibels)
