"""Problem: one of Vincent's problems as a study: every method's test error beside what was published."""

from dataclasses import dataclass
from functools import partial

from daecore.study import Findings, Laboratory, Picture, Study

from . import pictures
from .errors import CONVOLUTIONAL, DENOISING, FIRST_SEED, experiment_of, measure_errors, recipe_of
from .published import PUBLISHED
from .report import figures, how, notes, seeds, table


@dataclass(frozen=True)
class Problem:
    """A problem.

    Attributes:
        id: The dataset's name.
        title: The heading.
        description: What the problem is.
    """

    id: str
    title: str
    description: str

    def study(self) -> Study:
        """The problem as a study."""
        recipes = tuple(recipe_of(self.id, method) for method in (DENOISING, CONVOLUTIONAL))
        return Study(
            id=self.id, title=self.title, description=self.description, recipes=recipes, run=partial(_run, self.id)
        )


def _run(problem: str, lab: Laboratory) -> Findings:
    experiment = experiment_of(lab, problem, DENOISING, FIRST_SEED)
    convolutional = experiment_of(lab, problem, CONVOLUTIONAL, FIRST_SEED)
    machine, errors = lab.evaluate_svm(experiment), measure_errors(lab, problem)
    published = PUBLISHED[problem]
    return Findings(
        figures=dict(figures(machine, errors, published)),
        pictures=(
            Picture("errors", pictures.CAPTION, pictures.errors(machine, errors, published)),
            pictures.samples(lab, problem),
        ),
        tables=(table(machine, errors, published), seeds(errors)),
        notes=(*notes(machine, errors, published), how(problem, experiment, convolutional)),
    )
