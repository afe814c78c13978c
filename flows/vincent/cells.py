"""Cells of the table: the test errors of each method on one problem, one for each seed.

Knows the laboratory. Every training and every classifier is a cached stage, so that a table that was stopped goes on
at its cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daecore.budget import ALL
from daecore.experiment import Experiment
from daecore.intervals import Interval, student

from ..series.laboratory import QUICK_SIZES, fine_tuning

if TYPE_CHECKING:
    from ..series.laboratory import Laboratory
    from ..series.trained import Trained

SCRATCH, PLAIN, DENOISING, CONVOLUTIONAL = "scratch", "stacked", "stacked denoising", "convolutional denoising"
METHODS = (SCRATCH, PLAIN, DENOISING, CONVOLUTIONAL)
# The denoising stack's lead over the same network from scratch is claimed here; it gets the most seeds.
CLAIMED = ("mnist_rot", "mnist_bg_rand", "mnist_bg_img_rot")
CLAIM_SEEDS, SEEDS, QUICK_SEEDS = 5, 3, 2
QUICK = (  # budgets, not shapes
    "training.epochs=2",
    "transfer.steps=300",
)


@dataclass(frozen=True)
class Errors:
    """The test errors of every method in percent, in the order of the seeds.

    Attributes:
        of: By method.
        seconds: What pre-training and fine-tuning of one seed took, by method.
    """

    of: Mapping[str, tuple[float, ...]]
    seconds: Mapping[str, float]

    def interval(self, method: str) -> Interval:
        """The mean over the seeds, Student t."""
        return student(self.of[method])

    def fewer(self, method: str, than: str) -> Interval:
        """How many percentage points fewer errors a method makes than another, paired by the seeds that both have."""
        return student([before - after for after, before in zip(self.of[method], self.of[than], strict=False)])


def errors(laboratory: "Laboratory", problem: str) -> Errors:
    """Every method on one problem."""
    cells = {
        method: [_cell(laboratory, problem, method, seed) for seed in range(seeds(problem, method, laboratory.quick))]
        for method in METHODS
    }
    return Errors(
        {method: tuple(error for error, _ in found) for method, found in cells.items()},
        {method: sum(seconds for _, seconds in found) / len(found) for method, found in cells.items()},
    )


def seeds(problem: str, method: str, quick: bool = False) -> int:
    """How many seeds a method gets on a problem."""
    if quick:
        return QUICK_SEEDS
    return CLAIM_SEEDS if problem in CLAIMED and method in (SCRATCH, DENOISING) else SEEDS


def quick(problem: str) -> tuple[str, ...]:
    """What changes where budgets are small: epochs, steps and samples."""
    return (*QUICK, *(f"data.{problem}.{part}={size}" for part, size in QUICK_SIZES.items()))


def recipe(problem: str, method: str) -> str:
    """The recipe of a method on a problem."""
    return f"vincent/{problem}{'-conv' if method == CONVOLUTIONAL else ''}"


def network(laboratory: "Laboratory", problem: str, method: str, seed: int) -> "tuple[Experiment, Trained | None]":
    """A method's experiment with one seed, and the network it is pre-trained as; None from scratch."""
    changes = [f"seed={seed}", *(["corruptions=[]"] if method == PLAIN else [])]
    experiment = laboratory.experiment(recipe(problem, method), *changes, quick=quick(problem))
    if method == SCRATCH:
        return experiment, None
    if method == CONVOLUTIONAL:
        return experiment, laboratory.train(experiment)
    return experiment, laboratory.stack(experiment).whole


def _cell(laboratory: "Laboratory", problem: str, method: str, seed: int) -> tuple[float, float]:
    """The test error in percent of a method with one seed, and what it took in seconds."""
    experiment, pre_trained = network(laboratory, problem, method, seed)
    found = laboratory.classify(experiment, pre_trained, "finetune", fine_tuning(experiment), labels=ALL, draw=0)
    return found.error_percent, found.seconds + (pre_trained.seconds if pre_trained else 0)
