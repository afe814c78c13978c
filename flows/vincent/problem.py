"""Problem: one of Vincent's problems as a study: every method's test error beside what was published."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..series.study import Findings, Picture, Study
from . import cells, pictures
from .cells import CONVOLUTIONAL, DENOISING, FIRST_SEED
from .published import PUBLISHED
from .telling import figures, how, notes, seeds, table

if TYPE_CHECKING:
    from ..series.laboratory import Laboratory


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
    experiment = cells.experiment(laboratory, problem, DENOISING, FIRST_SEED)
    convolutional = cells.experiment(laboratory, problem, CONVOLUTIONAL, FIRST_SEED)
    machine, errors = laboratory.calibrate(experiment), cells.errors(laboratory, problem)
    published = PUBLISHED[problem]
    return Findings(
        figures=dict(figures(machine, errors, published)),
        pictures=(
            Picture("errors", pictures.CAPTION, pictures.errors(machine, errors, published)),
            pictures.samples(laboratory, problem),
        ),
        tables=(table(machine, errors, published), seeds(errors)),
        notes=(*notes(machine, errors, published), how(problem, experiment, convolutional)),
    )
