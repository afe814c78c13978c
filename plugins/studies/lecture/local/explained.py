"""A network's answers beside posteriors that look through a window: how much of them each window explains.

The window is chosen on validation pictures, and all figures are of test pictures.

Source: that a posterior through windows predicts a network: Kamb and Ganguli, "An analytic theory of creativity in
convolutional diffusion models", ICML 2025.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from daecore import stream
from daecore.analysis import local_posterior_mean, posterior
from daecore.corruption import draw_pairs
from daecore.data import Pairs, as_float
from daecore.evaluation import fit_linear
from daecore.model import restore
from daecore.stats import Interval, bootstrap, median, psnr
from daecore.study import Laboratory

from .problems import Pixels, Problem, likelihood_of, pixels_of

WINDOWS = (3, 5, 7, 9, 11, 15, 21)  # pixels; beyond, the whole picture
ORIGINALS, TESTED, CHOOSING = 10_000, 100, 50  # training pictures that are weighed; test and validation pictures
QUICK_TESTED, QUICK_CHOOSING = 24, 12
QUICK = ("training.epochs=2", "training.batch=32")


@dataclass(frozen=True)
class Explained:
    """One network, and what explains it, on N test pictures.

    Attributes:
        problem: What it was trained for.
        clean: float32 ``(N, 1, H, W)``, the originals, which nobody was told.
        corrupted: float32 ``(N, 1, H, W)``.
        network: float32 ``(N, 1, H, W)`` in [0, 1], its answers.
        local: By window, the local posterior means.
        linear: The linear map's answers.
        whole: The exact posterior means over all training pictures.
        explaining: The window that explains the network best, on validation pictures.
        restoring: The window that restores best, there.
    """

    problem: Problem
    clean: Tensor
    corrupted: Tensor
    network: Tensor
    local: Mapping[int, Tensor]
    linear: Tensor
    whole: Tensor
    explaining: int
    restoring: int

    def r2(self, window: int | None = None) -> Tensor:
        """How much of each answer a window explains, the exact posterior if None: ``(N,)``."""
        return measure_r2(self.network, self.whole if window is None else self.local[window])

    def db(self, restored: Tensor) -> Tensor:
        """PSNR of each picture, ``(N,)``."""
        return psnr(restored, self.clean)

    def lead(self, other: Tensor, name: str) -> Interval:
        """By how many dB the network restores better, paired over pictures."""
        generator = stream(0, "local", "lead", self.problem.words, name)
        return bootstrap(self.db(self.network) - self.db(other), generator=generator)


def explain(lab: Laboratory, problem: Problem) -> Explained:
    """Train a network, and compute what may explain it."""
    experiment = lab.experiment(problem.recipe, *problem.changes, quick=QUICK)
    network, splits, corruptor = lab.train(experiment).network, lab.splits(experiment), experiment.corruptor
    originals = splits.train.data[:ORIGINALS]
    pixels = pixels_of(experiment, originals)

    def answer(pairs: Pairs) -> tuple[Tensor, dict[int, Tensor]]:
        said = restore(network, pairs.corrupted).clamp(0, 1)
        return said, {
            window: _local(pairs.corrupted, originals, pixels, window) for window in windows(splits.train.shape)
        }

    held_out = draw_pairs(splits.validation, corruptor, QUICK_CHOOSING if lab.quick else CHOOSING)
    tests = draw_pairs(splits.test[0], corruptor, QUICK_TESTED if lab.quick else TESTED)
    said, local = answer(held_out)
    truth = as_float(held_out.clean.data)
    explaining = max(local, key=lambda window: median(measure_r2(said, local[window])).mean)
    restoring = max(local, key=lambda window: psnr(local[window], truth).mean().item())
    said, local = answer(tests)
    linear, _ = fit_linear(splits.train, draw_pairs(splits.validation, corruptor), corruptor)
    return Explained(
        problem, as_float(tests.clean.data), tests.corrupted, said, local,
        linear=linear(tests.corrupted, splits.train.shape).clamp(0, 1),
        whole=posterior(tests.corrupted, splits.train.data, likelihood_of(experiment)).mean,
        explaining=explaining, restoring=restoring,
    )  # fmt: skip


def windows(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Those that are narrower than the whole picture, and one that always holds all of it."""
    whole = 2 * max(shape[-2:]) - 1
    return (*(window for window in WINDOWS if window < whole), whole)


def measure_r2(answers: Tensor, predicted: Tensor) -> Tensor:
    """The share of each answer's variance over pixels that a prediction explains: ``1 - |a - p|^2 / |a - mean(a)|^2``.

    1 for a prediction that is right in every pixel, 0 for the answer's own mean in each, below 0 for worse.

    Args:
        answers: ``(N, C, H, W)``.
        predicted: Likewise.

    Returns:
        ``(N,)``.
    """
    flat, off = answers.flatten(1), (answers - predicted).flatten(1)
    scatter = (flat - flat.mean(1, keepdim=True)).square().sum(1)
    return 1 - off.square().sum(1) / scatter.clamp_min(torch.finfo(flat.dtype).tiny)


def _local(corrupted: Tensor, originals: Tensor, pixels: Pixels, window: int) -> Tensor:
    return local_posterior_mean(corrupted, originals, pixels.likelihood, window=window, references=pixels.references)
