"""Problem: one of Vincent's problems as a study: every method's test error beside what was published."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from daecore.intervals import Interval
from daecore.kernel_machine import KernelMachineReport

from ..series.study import Findings, Measured, Picture, Study, Table
from . import cells, pictures
from .cells import CONVOLUTIONAL, DENOISING, METHODS, PLAIN, SCRATCH, Errors
from .published import PUBLISHED, Published

if TYPE_CHECKING:
    from ..series.laboratory import Laboratory

NAMES = {SCRATCH: "scratch", PLAIN: "sae", DENOISING: "sdae", CONVOLUTIONAL: "conv"}
CALIBRATED = 0.15  # how far from the published machine, in shares of its error, data still count as alike


@dataclass(frozen=True)
class Problem:
    """A problem.

    Attributes:
        id: The dataset's name.
        title: The heading.
        says: What the problem is.
    """

    id: str
    title: str
    says: str

    def study(self) -> Study:
        """The problem as a study."""
        recipes = tuple(cells.recipe(self.id, method) for method in (DENOISING, CONVOLUTIONAL))
        return Study(id=self.id, title=self.title, says=self.says, recipes=recipes, run=partial(_run, self.id))


def _run(problem: str, laboratory: "Laboratory") -> Findings:
    experiment = laboratory.experiment(cells.recipe(problem, DENOISING), quick=cells.quick(problem))
    machine, errors = laboratory.calibrate(experiment), cells.errors(laboratory, problem)
    published = PUBLISHED[problem]
    return Findings(
        figures=dict(figures(machine, errors, published)),
        pictures=(
            pictures.samples(laboratory, problem),
            Picture("errors", pictures.CAPTION, pictures.errors(machine, errors, published)),
        ),
        tables=(table(machine, errors, published),),
        notes=tuple(notes(machine, errors, published)),
    )


def figures(machine: KernelMachineReport, errors: Errors, published: Published) -> Iterator[tuple[str, Measured]]:
    """The numbers by name."""
    yield (
        "svm_error_percent",
        Measured(value=machine.error_percent, low=machine.low, high=machine.high, n=machine.tested_on, unit="%"),
    )
    yield "svm_beside_published", Measured(value=machine.error_percent / published.svm)
    for method in METHODS:
        yield f"{NAMES[method]}_error_percent", Measured.of(errors.interval(method), "%")
        yield f"{NAMES[method]}_seconds", Measured(value=errors.seconds[method], n=len(errors.of[method]), unit="s")
    for method, other in ((DENOISING, SCRATCH), (DENOISING, PLAIN), (CONVOLUTIONAL, DENOISING)):
        name = f"{NAMES[method]}_fewer_than_{NAMES[other]}_percent"
        yield name, Measured.of(errors.fewer(method, other), "percentage points")


def table(machine: KernelMachineReport, errors: Errors, published: Published) -> Table:
    """A row for each method, what was published beside it."""
    beside = {SCRATCH: "", PLAIN: f"{published.sae:.2f}", DENOISING: f"{published.sdae:.2f}", CONVOLUTIONAL: ""}
    svm = f"{machine.error_percent:.2f} [{machine.low:.2f}, {machine.high:.2f}]"
    rows = [("support vector machine, Gaussian kernel", svm, f"{published.svm:.2f}", f"{machine.seconds:.0f}")]
    for method in METHODS:
        rows.append((method, told(errors.interval(method)), beside[method], f"{errors.seconds[method]:.0f}"))
    rows.append(("stacked Boltzmann machines", "", f"{published.dbn:.2f}", ""))
    return Table("Test error in percent", ("method", "here", "published", "seconds a seed"), tuple(rows))


def notes(machine: KernelMachineReport, errors: Errors, published: Published) -> Iterator[str]:
    """What the numbers say."""
    apart = machine.error_percent / published.svm - 1
    alike = abs(apart) <= CALIBRATED
    yield (
        f"The support vector machine makes {machine.error_percent:.2f} % errors here and {published.svm:.2f} % on the "
        f"published files, {abs(apart):.0%} {'more' if apart > 0 else 'fewer'}: "
        + ("the data are about as hard." if alike else "the data differ, and published figures are no yardstick.")
    )
    for other in (SCRATCH, PLAIN):
        yield _compared(errors.fewer(DENOISING, other), "Denoising layer by layer", other)
    best = errors.interval(CONVOLUTIONAL)
    below = best.high < published.best
    yield (
        f"The convolutional denoising encoder makes {told(best)} % errors; the lowest published is "
        f"{published.best:.2f} %, {'' if below else 'not '}above the interval."
    )


def told(interval: Interval) -> str:
    """A mean with its interval."""
    return f"{interval.mean:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def _compared(fewer: Interval, method: str, other: str) -> str:
    doubt = "." if fewer.conclusive else "; no difference is claimed: the interval contains zero."
    return (
        f"{method} makes {fewer.mean:+.2f} [{fewer.low:+.2f}, {fewer.high:+.2f}] percentage points fewer errors than "
        f"{other}, paired over {fewer.n} seeds{doubt}"
    )
