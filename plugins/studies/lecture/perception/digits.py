"""Distortion against perception for digits: one network's mean, its samples, and ways between them.

Perception is the Frechet distance in the features of an independent classifier, its root over that of the originals.
Each set of test pictures is measured beside other test pictures.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from daecore import Sampler, stream
from daecore.corruption import draw_pairs
from daecore.data import Splits, as_float, as_uint8
from daecore.evaluation import Recogniser, frechet_distance, train_recogniser
from daecore.model import SamplingOptions, restore, walk
from daecore.study import Laboratory

from ..answer.study import QUICK
from .law import MeasuredEstimator

RECIPE = "lecture/answer-block-16"  # and the budget of the study `answer`: one training serves both
SETS, PICTURES, QUICK_SETS, QUICK_PICTURES = 5, 500, 3, 60
LEARNT_FROM, QUICK_LEARNT_FROM = 200_000, 20_000  # pictures that the classifier sees
STEPS, QUICK_STEPS = 20, 5
ALPHAS = (0.25, 0.5, 0.75)
FEWER = (2, 3, 5, 10)  # steps of a sample
BEGINS = (0.2, 0.4, 0.6, 0.8)  # when the flow begins, at the mean with noise
MEAN, SAMPLE = "mean", "sample"
BETWEEN, FEWER_STEPS, FROM_THE_MEAN = "mean to sample", "fewer steps", "flow from the mean"
MEASURED = "Frechet distance, its root over that of the originals"
SHOWN = 12


@dataclass(frozen=True)
class Digits:
    """What was found.

    Attributes:
        ways: By way and label, where each estimator lies.
        answers: The first test pictures under some estimators, by name: ``(K, 1, H, W)``.
    """

    ways: Mapping[str, Mapping[str, MeasuredEstimator]]
    answers: Mapping[str, Tensor]


def measure(lab: Laboratory) -> Digits:
    """Train the network of the study `answer`, and measure all that can be asked of it."""
    experiment = lab.experiment(RECIPE, quick=QUICK)
    network, splits = lab.train(experiment).network, lab.splits(experiment)
    if not isinstance(network, Sampler):
        raise TypeError(f"{RECIPE} trains a network that cannot draw")
    sets, size = (QUICK_SETS, QUICK_PICTURES) if lab.quick else (SETS, PICTURES)
    size = min(size, len(splits.test[0]) // (2 * sets))
    corrupted = draw_pairs(splits.test[0], experiment.corruptor, sets * size).corrupted
    steps = QUICK_STEPS if lab.quick else STEPS
    answers = answer(network, corrupted, steps)
    recogniser = train_recogniser(
        splits.train, splits.classes or 0, seed=0, pictures=QUICK_LEARNT_FROM if lab.quick else LEARNT_FROM
    )
    clean = as_float(splits.test[0].data[: sets * size])
    shown = {"original": clean, "corrupted": corrupted, "mean": answers[BETWEEN][MEAN],
             "halfway": answers[BETWEEN]["0.5"], "sample": answers[BETWEEN][SAMPLE],
             f"from the mean: begun at {BEGINS[-1]:g}": answers[FROM_THE_MEAN][f"{BEGINS[-1]:g}"]}  # fmt: skip
    perceive = _Perception(recogniser, splits, sets, size)
    ways = {
        way: {label: _measure(points, clean, answers[BETWEEN][MEAN], perceive)
              for label, points in found.items()}
        for way, found in answers.items()
    }  # fmt: skip
    return Digits(ways, {name: pictures[:SHOWN] for name, pictures in shown.items()})


def answer(network: Sampler, corrupted: Tensor, steps: int) -> dict[str, dict[str, Tensor]]:
    """All that is asked of the network, by way and label: ``(N, 1, H, W)`` in [0, 1]."""
    mean = restore(network, corrupted).clamp(0, 1)
    noise = torch.randn(mean.shape, generator=stream(0, "perception", "noise"))
    sample = draw_from(network, corrupted, noise, 0.0, steps)
    between = {f"{alpha:g}": torch.lerp(mean, sample, alpha) for alpha in ALPHAS}
    fewer = {f"{few}": draw_from(network, corrupted, noise, 0.0, few) for few in FEWER if few < steps}
    begun = {f"{begin:g}": draw_from(network, corrupted, torch.lerp(noise, mean, begin), begin, steps)
             for begin in BEGINS}  # fmt: skip
    return {
        BETWEEN: {MEAN: mean, **between, SAMPLE: sample},
        FEWER_STEPS: fewer,
        FROM_THE_MEAN: begun,
    }


def draw_from(
    network: Sampler, corrupted: Tensor, start: Tensor, begin: float, steps: int, *, batch: int = 250
) -> Tensor:
    """Walk from a state at a time between 0 and 1 to a sample.

    With ``t = begin + (1 - begin) s`` the equation of the walk is the same in s as in t, so that the walk from noise
    serves: ``d state / d s = (expected - state) / (1 - s)``.

    Args:
        network: One that draws.
        corrupted: float32 ``(N, ...)``.
        start: The state at that time, ``(N, *shape)``.
        begin: The time, at least 0 and below 1.
        steps: From there to the sample.
        batch: Samples at a time.

    Source: that a flow may begin at the mean with a little noise: Ohayon, Michaeli and Elad, "Posterior-mean rectified
    flow", ICLR 2025; there it is trained from such states, here the network is the one that begins at noise.
    """
    options = SamplingOptions(steps=steps)

    def asked(few: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda state, s: network(few, state, begin + (1 - begin) * s)

    with torch.inference_mode():
        parts = zip(corrupted.split(batch), start.split(batch), strict=True)
        return torch.cat([walk(asked(few), state, options, bounded=True) for few, state in parts])


class _Perception:
    """How far a set of pictures is from other test pictures, over what its originals are from the same ones.

    Samples of an exact posterior could change places with their originals: theirs is 1.
    """

    def __init__(self, recogniser: Recogniser, splits: Splits, sets: int, size: int) -> None:
        self._recogniser, self.size = recogniser, size
        held_out = splits.test[0].data
        self._others = held_out[len(held_out) // 2 :].split(size)
        self._floors = [self._distance(some, number) for number, some in enumerate(held_out[: sets * size].split(size))]

    def __call__(self, pictures: Tensor, number: int) -> float:
        """The root of the ratio, for the set of this number."""
        return math.sqrt(max(0.0, self._distance(pictures, number)) / self._floors[number])

    def _distance(self, pictures: Tensor, number: int) -> float:
        shown = (as_uint8(pictures), self._others[number])
        return frechet_distance(*(self._recogniser.recognise(it)[0] for it in shown))


def _measure(points: Tensor, clean: Tensor, mean: Tensor, perceive: _Perception) -> MeasuredEstimator:
    """One estimator, set by set."""
    error, least = ((it - clean).square().flatten(1).sum(1).split(perceive.size) for it in (points, mean))
    return MeasuredEstimator(
        [perceive(some, number) for number, some in enumerate(points.split(perceive.size))],
        [float(one.mean() / few.mean()) for one, few in zip(error, least, strict=True)],
    )
