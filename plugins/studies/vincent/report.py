"""Telling: what a problem's errors are beside what was published: numbers, tables, sentences.

Knows errors. Does not train.
"""

from collections.abc import Iterator

from daecore.experiment import Experiment
from daecore.stats import Interval, fewer_errors, format_interval
from daecore.study import Measured, Table, fine_tuning
from daecore.transfer import SvmReport

from .errors import (
    CLAIMED,
    CONV_SCRATCH,
    CONVOLUTIONAL,
    DENOISING,
    FIRST_SEED,
    LONGER,
    RATES,
    SCRATCH,
    STACKED,
    TUNED,
    TUNED_CONVOLUTIONS,
    Errors,
    steps_of,
)
from .published import Published

NAMES = {
    SCRATCH: "scratch",
    LONGER: "scratch_longer",
    STACKED: "sae",
    DENOISING: "sdae",
    CONV_SCRATCH: "conv_scratch",
    CONVOLUTIONAL: "conv",
}
COMPARED = (
    (DENOISING, SCRATCH),
    (DENOISING, LONGER),
    (DENOISING, STACKED),
    (CONVOLUTIONAL, DENOISING),
    (CONVOLUTIONAL, CONV_SCRATCH),
)
ALIKE = 0.15  # how far from the published machine, in shares of its error, data still count as alike


def figures(machine: SvmReport, errors: Errors, published: Published) -> Iterator[tuple[str, Measured]]:
    """The numbers by name."""
    yield (
        "svm_error_percent",
        Measured(value=machine.error_percent, low=machine.low, high=machine.high, n=machine.tested_on, unit="%"),
    )
    yield "svm_beside_published", Measured(value=machine.error_percent / published.svm)
    for method in errors.of:
        yield f"{NAMES[method]}_error_percent", Measured.of(errors.interval(method), "%")
        yield f"{NAMES[method]}_seconds", Measured(value=errors.seconds[method], n=len(errors.of[method]), unit="s")
    for method, other in compared_pairs(errors):
        name = f"{NAMES[method]}_fewer_than_{NAMES[other]}_percent"
        yield name, Measured.of(errors.fewer(method, other), "percentage points")


def table(machine: SvmReport, errors: Errors, published: Published) -> Table:
    """A row for each method, what was published beside it."""
    beside = {STACKED: f"{published.sae:.2f}", DENOISING: f"{published.sdae:.2f}"}
    svm = f"{machine.error_percent:.2f} [{machine.low:.2f}, {machine.high:.2f}]"
    rows = [("support vector machine, Gaussian kernel", svm, f"{published.svm:.2f}", f"{machine.seconds:.0f}")]
    for method in errors.of:
        rows.append(
            (method, format_interval(errors.interval(method)), beside.get(method, ""), f"{errors.seconds[method]:.0f}")
        )
    rows.append(("stacked Boltzmann machines", "", f"{published.dbn:.2f}", ""))
    return Table("Test error in percent", ("method", "here", "published", "seconds a seed"), tuple(rows))


def seeds(errors: Errors) -> Table:
    """A row for each method, a column for each seed: what the intervals are made of."""
    most = max(map(len, errors.of.values()))
    rows = tuple(
        (method, *(f"{error:.2f}" for error in found), *[""] * (most - len(found)))
        for method, found in errors.of.items()
    )
    head = ("method", *(f"seed {FIRST_SEED + number}" for number in range(most)))
    return Table("Test error in percent, by seed", head, rows)


def compared_pairs(errors: Errors) -> Iterator[tuple[str, str]]:
    """Which method is compared with which."""
    yield from (pair for pair in COMPARED if set(pair) <= errors.of.keys())


def notes(machine: SvmReport, errors: Errors, published: Published) -> Iterator[str]:
    """What the numbers say."""
    apart = machine.error_percent / published.svm - 1
    alike = abs(apart) <= ALIKE
    yield (
        f"The support vector machine makes {machine.error_percent:.2f} % errors here and {published.svm:.2f} % on the "
        f"published files, {abs(apart):.0%} {'more' if apart > 0 else 'fewer'}: "
        + ("the data are about as hard. " if alike else "what was published is of other data. ")
        + f"It has learnt from {machine.trained_on:,} samples, those of validation among them, as in the paper."
        + (" Its C or gamma is the smallest or largest that was tried." if machine.on_border else "")
    )
    where = "" if alike else ", on other data,"
    ours = errors.interval(DENOISING)
    reached = "at or below" if ours.mean <= published.sdae else "above"
    yield (
        f"Stacked denoising makes {format_interval(ours)} % errors, {reached} the {published.sdae:.2f} % that were "
        f"published of it{where.rstrip(',')}."
    )
    for method, other in compared_pairs(errors):
        yield _say_difference(errors.fewer(method, other), method, other)
    conv = errors.interval(CONVOLUTIONAL)
    below = conv.high < published.lowest
    yield (
        f"The convolutional denoising encoder makes {format_interval(conv)} % errors; the lowest published{where} is "
        f"{published.lowest:.2f} %, {'' if below else 'not '}above the interval."
    )


def how(problem: str, stack: Experiment, convolutional: Experiment) -> str:
    """What the methods were given."""
    steps, others = steps_of(stack), steps_of(convolutional)
    longer = ", but for the longer one, which gets both in fine-tuning" if problem in CLAIMED else ""
    tuned = (
        "Budgets, rate and augmentation of the stacks were tuned on this problem with other seeds, whose test "
        "errors were seen."
        if problem in TUNED
        else "Budgets and rate of the stacks were not tuned on this problem."
    )
    rates = ", ".join(f"{share:g}" for share in RATES)
    warps = ", ".join(map(str, fine_tuning(convolutional).augment))
    augmented = f"the augmentation {warps}" if warps else "no augmentation"
    chosen = "chosen on validation samples" if problem in TUNED_CONVOLUTIONS else "a first guess"
    return (
        f"All stacks are fine-tuned for {steps.fine_tuning:,} steps with the same augmentation; pre-training takes "
        f"{steps.pre_training:,} steps more, which scratch does not get{longer}. {tuned} Scratch has of {rates} times "
        "their rate the one with the fewest errors on validation samples. Both convolutional networks have "
        f"{others.fine_tuning:,} steps with labels and {augmented}, "
        f"{chosen}; the denoising one {others.pre_training:,} of pre-training before. They are another architecture "
        "with a budget of its own, so that their lead over a stack is none of denoising."
    )


def _say_difference(fewer: Interval, method: str, other: str) -> str:
    return f"{method.capitalize()} beside {other!r}, paired over {fewer.n} seeds: {fewer_errors(fewer)}."
