"""Two networks, each taught on its own half of a set, and what each half's exact posterior would have answered.

All distances are squared, of whole pictures, and taken of test pictures that neither half holds.

Source: two denoisers on disjoint halves: Kadkhodaie, Guth, Simoncelli and Mallat, "Generalization in diffusion models
arises from geometry-adaptive harmonic representations", ICLR 2024.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from daecore import spec
from daecore.analysis import exact_denoiser
from daecore.corruption import Corruptor, draw_pairs
from daecore.data import Pairs, Samples, as_float
from daecore.experiment import Experiment
from daecore.model import restore
from daecore.study import Laboratory
from daecore.transfer import epochs_for

RECIPE = "lecture/halves"
SIZES, QUICK_SIZES = (1, 3, 10, 30, 100, 1_000, 27_500), (1, 10, 1_000)
APART = 4.0  # in units of full intensity; of handwritten digits half have a neighbour in 27,500 others nearer than 4.5
SMALLEST_APART = 100  # fewer digits hardly have near ones in the other half
SEEDS = {"a": 0, "b": 1}  # not even the first weights are shared
SIGMAS = (0.5, 1.0, 2.0)  # the noise that the networks are asked about, each trained on all of it
STEPS, QUICK_STEPS, BATCH = 1_720, 200, 32  # of every network alike: twice through the largest half
TESTED, QUICK_TESTED, SHOWN = 200, 50, 12


@dataclass(frozen=True)
class Halves:
    """Two disjoint halves.

    Attributes:
        sizes: How many training pictures of either are taken.
        apart: Of these, pictures nearer than this to one of the other half are left out of both; 0: none is.
    """

    sizes: tuple[int, int]
    apart: float = 0


@dataclass(frozen=True)
class Distances:
    """How far answers are from each other, at one noise level: ``(N,)`` each.

    Attributes:
        between: The two networks.
        own: A network and the exact posterior mean of its own half; the mean of both networks.
        originals: A network and the original, which nobody was told; the mean of both.
    """

    between: Tensor
    own: Tensor
    originals: Tensor

    @property
    def margin(self) -> Tensor:
        """By how much the networks are nearer to each other than to their own halves' posteriors."""
        return self.own - self.between


@dataclass(frozen=True)
class Agreement:
    """Two networks of one size.

    Attributes:
        kept: How many training pictures each half holds.
        distances: By noise level.
        answers: At the middle level, the first test pictures under A, B and A's exact posterior.
    """

    kept: tuple[int, int]
    distances: Mapping[float, Distances]
    answers: Mapping[str, Tensor]


def compare(lab: Laboratory, asked: Sequence[Halves]) -> list[Agreement]:
    """Train a network on each half, two by two, and compare them.

    Args:
        lab: What trains.
        asked: The halves.
    """
    experiments = [
        _experiment(lab, half, size, halves.apart)
        for halves in asked
        for half, size in zip(SEEDS, halves.sizes, strict=True)
    ]
    trained = lab.train_all(experiments)
    return [
        _agreement(lab, pair, [next(trained).network for _ in pair])
        for pair in zip(experiments[::2], experiments[1::2], strict=True)
    ]


def _agreement(lab: Laboratory, pair: Sequence[Experiment], networks: Sequence[nn.Module]) -> Agreement:
    """Two trained networks, asked the same."""
    halves = [lab.splits(experiment).train for experiment in pair]
    distances, answers = {}, {}
    for sigma, pairs in ask(lab.splits(pair[0]).test[0], QUICK_TESTED if lab.quick else TESTED).items():
        said = [restore(network, pairs.corrupted).clamp(0, 1) for network in networks]
        exact = [exact_denoiser(half.data, sigma)(pairs.corrupted) for half in halves]
        distances[sigma] = measure(said, exact, as_float(pairs.clean.data))
        if sigma == SIGMAS[1]:
            answers = {"A": said[0][:SHOWN], "B": said[1][:SHOWN], "exact": exact[0][:SHOWN]}
    return Agreement((len(halves[0]), len(halves[1])), distances, answers)


def ask(test: Samples, count: int) -> dict[float, Pairs]:
    """The same test pictures under noise of every width."""
    return {
        sigma: draw_pairs(test, Corruptor([spec("corruption", {"gaussian_noise": {"sigma": sigma}})]), count)
        for sigma in SIGMAS
    }


def measure(said: Sequence[Tensor], exact: Sequence[Tensor], clean: Tensor) -> Distances:
    """Distances of two networks' answers, of two exact ones and the originals, ``(N, C, H, W)`` each."""
    own = [_square(one, other) for one, other in zip(said, exact, strict=True)]
    originals = [_square(one, clean) for one in said]
    return Distances(_square(*said), sum(own, torch.zeros(())) / 2, sum(originals, torch.zeros(())) / 2)


def _experiment(lab: Laboratory, half: str, size: int, apart: float) -> Experiment:
    """As many steps as for every other size, whatever is left of the half; each half with first weights of its own."""
    changes = [f"dataset.mnist.{name}={value}" for name, value in (("half", half), ("train", size), ("apart", apart))]
    changes.append(f"seed={SEEDS[half]}")
    count = len(lab.splits(lab.experiment(RECIPE, *changes)).train)
    epochs = epochs_for(QUICK_STEPS if lab.quick else STEPS, BATCH, count)
    return lab.experiment(RECIPE, *changes, f"training.epochs={epochs}")


def _square(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).square().flatten(1).sum(1)
