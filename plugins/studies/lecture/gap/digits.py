"""The gap in digits: what a hidden digit can have been, with the exact posterior over the training images.

Gaussian noise follows the corruption and enters the likelihood: without it hardly any test image would be compatible
with any training image. The training images are the prior, all equally likely.
"""

from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor

from daecore import stream
from daecore.analysis import CoveredThenNoised, ErasedThenNoised, Likelihood, Posterior, posterior
from daecore.corruption import Corruptor, draw_pairs
from daecore.data import Samples, as_float
from daecore.experiment import Experiment
from daecore.model import restore
from daecore.plots import figures
from daecore.stats import bootstrap
from daecore.study import Laboratory, Measured, Picture

DRAWN, QUICK_DRAWN = 192, 96  # draws from the prior on which the regret is measured
TESTED, QUICK_TESTED = 96, 48  # test images whose posterior is computed
COLUMNS, CANDIDATES = 10, 4  # test images in the picture, and the most probable originals under each


@dataclass(frozen=True)
class Guesses:
    """A corruption of digits with what is known of them.

    Attributes:
        name: The corruption, short: the suffix of its figures.
        words: The corruption in words.
        corrupted: ``(K, 1, H, W)``, test images.
        clean: Their originals, which the posterior does not know.
        restored: What the network makes of them.
        posterior: Over the training images.
        originals: The training images, uint8.
        regret: Excess squared error of the network over the exact mean, ``(K',)``, on draws from the prior.
        distance: ``|network - exact mean|^2`` on the same draws, ``(K',)``: its mean is the same by Pythagoras.
    """

    name: str
    words: str
    corrupted: Tensor
    clean: Tensor
    restored: Tensor
    posterior: Posterior
    originals: Tensor
    regret: Tensor
    distance: Tensor


def guesses(lab: Laboratory, name: str, words: str) -> Guesses:
    """Train, then compute posteriors of test images and of fresh draws from the prior.

    Args:
        lab: What trains.
        name: The recipe is ``lecture/gap-<name>``.
        words: What the corruption does.
    """
    experiment = lab.experiment(f"lecture/gap-{name}", quick=["training.epochs=2", "training.batch=32"])
    network, splits = lab.train(experiment).network, lab.splits(experiment)
    likelihood, originals = likelihood_of(experiment), splits.train.data
    tests = draw_pairs(splits.test[0], experiment.corruptor, QUICK_TESTED if lab.quick else TESTED)
    clean, corrupted = draw(splits.train, experiment.corruptor, QUICK_DRAWN if lab.quick else DRAWN)
    mean, restored = posterior(corrupted, originals, likelihood).mean, restore(network, corrupted)
    return Guesses(
        name, words, tests.corrupted, as_float(tests.clean.data), restore(network, tests.corrupted),
        posterior(tests.corrupted, originals, likelihood, kept=CANDIDATES), originals,
        regret=_square(restored - clean) - _square(mean - clean), distance=_square(restored - mean),
    )  # fmt: skip


def likelihood_of(experiment: Experiment) -> Likelihood:
    """The likelihood of a recipe's corruptions: erasure or one square, then Gaussian noise."""
    first, second = (item.options for item in experiment.corruptions)
    sigma, fill = second.sigma, first.fill  # type: ignore[attr-defined]
    if experiment.corruptions[0].name == "erasure":
        return ErasedThenNoised(first.p, sigma, fill)  # type: ignore[attr-defined]
    return CoveredThenNoised(first.size, sigma, fill)  # type: ignore[attr-defined]


def draw(prior: Samples, corruptor: Corruptor, count: int) -> tuple[Tensor, Tensor]:
    """Draws from the prior, freshly corrupted: clean and corrupted, ``(count, *shape)`` each."""
    index = torch.randint(len(prior), (count,), generator=stream(0, "gap", "draws"))
    clean = prior.batch(index).clean
    return clean, corruptor(clean, stream(0, "gap", "corruption", corruptor.digest)).x


def measure(found: Guesses) -> dict[str, Measured]:
    """Entropy of the posterior on test images; regret on draws from the prior."""
    columns = {
        "entropy": (found.posterior.entropy, "nats"),
        "regret": (found.regret, "squared error of an image"),
        "distance_to_mean": (found.distance, "squared error of an image"),
        "most_probable": (found.posterior.weights[:, 0], ""),
    }
    return {
        f"{name}_{found.name}": Measured.of(bootstrap(values, generator=stream(0, "gap", name, found.name)), unit)
        for name, (values, unit) in columns.items()
    }


def drawing(found: Guesses) -> Picture:
    """Original, corrupted, network, exact mean and the most probable originals with their weights, for test images."""
    known, shown = found.posterior, slice(COLUMNS)
    rows = {
        "original": found.clean[shown], "corrupted": found.corrupted[shown], "network": found.restored[shown],
        "exact mean": known.mean[shown],
    }  # fmt: skip
    for rank in range(CANDIDATES):
        rows["most probable\noriginals" if not rank else rank * " "] = as_float(
            found.originals[known.candidates[shown, rank]]
        )
    figure = _caption(figures.panel(rows), known.weights[shown])
    caption = (
        f"Test digits, {found.words}. The network's answer above the exact posterior mean over the "
        f"{len(found.originals):,} training images; below, the most probable of these, with their probabilities."
    )
    return Picture(f"digits_{found.name}", caption, figures.png(figure))


def _caption(figure: Figure, weights: Tensor) -> Figure:
    """Write each candidate's weight into its corner."""
    axes, count = figure.axes, len(weights)
    first = len(axes) - count * weights.shape[1]
    for position, axis in enumerate(axes[first:]):
        weight = float(weights[position % count, position // count])
        axis.text(0.96, 0.04, _percent(weight), transform=axis.transAxes, ha="right", va="bottom", fontsize=7.5,
                  color="white", bbox={"facecolor": "black", "alpha": 0.6, "pad": 1, "linewidth": 0})  # fmt: skip
    return figure


def _percent(weight: float) -> str:
    return f"{weight:.0%}" if weight >= 0.1 else f"{weight:.1%}" if weight >= 0.001 else "< 0.1%"


def _square(difference: Tensor) -> Tensor:
    return difference.flatten(1).square().sum(1)
