"""Cells of the table: the test errors of each method on one problem, one for each seed.

Knows the laboratory. Every training and every classifier is a cached stage, so that a table that was stopped goes on
at its cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from daecore.data import ALL
from daecore.experiment import Experiment, is_stack, widths
from daecore.stats import Interval, student
from daecore.study import QUICK_SIZES, Laboratory, Trained, fine_tuning
from daecore.transfer import ClassifierOptions

SCRATCH, LONGER, STACKED, DENOISING = "scratch", "scratch, longer", "stacked", "stacked denoising"
CONV_SCRATCH, CONVOLUTIONAL = "convolutional scratch", "convolutional denoising"
METHODS = (SCRATCH, LONGER, STACKED, DENOISING, CONV_SCRATCH, CONVOLUTIONAL)
PRE_TRAINED = (STACKED, DENOISING, CONVOLUTIONAL)
CONVOLUTIONS = (CONV_SCRATCH, CONVOLUTIONAL)
# The denoising stack's lead over the same network from scratch is claimed here: both get the most seeds, and there is a
# scratch that is trained for as many steps as pre-training and fine-tuning take together.
CLAIMED = ("mnist_rot", "mnist_bg_rand", "mnist_bg_img_rot")
RATES = (0.5, 1.0, 2.0)  # of the rate of the stacks; on validation the dense network from scratch chooses its own
CLAIM_SEEDS, SEEDS, QUICK_SEEDS = 5, 3, 2
TUNED = ("mnist_basic", *CLAIMED)  # budgets, rates and augmentations of the stacks were, with seeds 0 and 1
TUNED_CONVOLUTIONS = ("mnist_rot", "mnist_bg_rand")  # their steps and augmentation were, on validation with seed 0
CHOOSING_SEED = 0
FIRST_SEED = 2
QUICK = (  # budgets, not shapes
    "training.epochs=2",
    "transfer.steps=300",
)


@dataclass(frozen=True)
class Steps:
    """How long a method is trained.

    Attributes:
        pre_training: Of all layers of a stack, one after the other.
        fine_tuning: Of the whole, with labels.
    """

    pre_training: int
    fine_tuning: int

    @property
    def together(self) -> int:
        """Both."""
        return self.pre_training + self.fine_tuning


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


def measure_errors(lab: Laboratory, problem: str) -> Errors:
    """Every method on one problem."""
    cells = {
        method: [
            _cell(lab, problem, method, FIRST_SEED + number) for number in range(seeds_of(problem, method, lab.quick))
        ]
        for method in methods_of(problem)
    }
    return Errors(
        {method: tuple(error for error, _ in found) for method, found in cells.items()},
        {method: sum(seconds for _, seconds in found) / len(found) for method, found in cells.items()},
    )


def methods_of(problem: str) -> tuple[str, ...]:
    """The methods that a problem is given to, in the order in which they are told."""
    return tuple(method for method in METHODS if method != LONGER or problem in CLAIMED)


def seeds_of(problem: str, method: str, small: bool = False) -> int:
    """How many seeds a method gets on a problem."""
    if small:
        return QUICK_SEEDS
    return CLAIM_SEEDS if problem in CLAIMED and method in (SCRATCH, DENOISING) else SEEDS


def quick_changes(problem: str) -> tuple[str, ...]:
    """What changes where budgets are small: epochs, steps and samples."""
    return (*QUICK, *(f"dataset.{problem}.{part}={size}" for part, size in QUICK_SIZES.items()))


def steps_of(experiment: Experiment) -> Steps:
    """What the stack of an experiment, or its autoencoder, is trained for."""
    epoch = -(-experiment.dataset.options.train // experiment.training.batch)  # type: ignore[attr-defined]
    layers = len(widths(experiment)) if is_stack(experiment) else 1
    return Steps(layers * experiment.training.epochs * epoch, fine_tuning(experiment).steps)


def recipe_of(problem: str, method: str) -> str:
    """The recipe of a method on a problem."""
    return f"vincent/{problem}{'-conv' if method in CONVOLUTIONS else ''}"


def experiment_of(lab: Laboratory, problem: str, method: str, seed: int) -> Experiment:
    """A method's experiment with one seed."""
    changes = [f"seed={seed}", *(["corruptions=[]"] if method == STACKED else [])]
    return lab.experiment(recipe_of(problem, method), *changes, quick=quick_changes(problem))


def _cell(lab: Laboratory, problem: str, method: str, seed: int) -> tuple[float, float]:
    """The test error in percent of a method with one seed, and what it took in seconds."""
    asked = experiment_of(lab, problem, method, seed)
    options, pre_trained = options_of(lab, problem, method), _pre_train(lab, asked, method)
    found = lab.classify(asked, pre_trained, "finetune", options, labels=ALL, draw=0)
    return found.error_percent, found.seconds + (pre_trained.seconds if pre_trained else 0)


def options_of(lab: Laboratory, problem: str, method: str) -> ClassifierOptions:
    """What a method is given in fine-tuning: steps, its rate, augmentation.

    Stacks and convolutions have the rate of their recipe. What starts from scratch chooses, with a seed that is not
    scored; its longer training has the same rate.
    """
    asked = experiment_of(lab, problem, method, CHOOSING_SEED)
    options = fine_tuning(asked)
    if method not in (SCRATCH, LONGER):
        return options
    several = tuple(rate * share for rate in options.learning_rates for share in RATES)
    chosen = lab.choose(asked, None, "finetune", options.model_copy(update={"learning_rates": several}), labels=ALL)
    return chosen.model_copy(update={"steps": steps_of(asked).together}) if method == LONGER else chosen


def _pre_train(lab: Laboratory, asked: Experiment, method: str) -> Trained | None:
    """The network that a method is pre-trained as; None where it starts from scratch."""
    if method not in PRE_TRAINED:
        return None
    return lab.train(asked) if method == CONVOLUTIONAL else lab.stack(asked).whole
