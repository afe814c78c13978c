"""[local] What did the network learn? Answers of trained networks, explained without any training."""

from daecore.study import Findings, Laboratory, Study

from . import report
from .explained import explain
from .problems import PROBLEMS

QUICK = ("gaussian-0.2", "gaussian-1.2", "block")  # where budgets are small


def run(lab: Laboratory) -> Findings:
    """A network for each corruption, beside local posteriors, the linear map and the exact posterior."""
    names = QUICK if lab.quick else tuple(PROBLEMS)
    found = {name: explain(lab, PROBLEMS[name]) for name in names}
    noisy = [it for it in found.values() if it.problem.noise_alone]
    return Findings(
        figures={key: value for name, it in found.items() for key, value in report.figures(name, it)},
        pictures=(report.chart([*found.values()]), *(report.examples(name, it) for name, it in found.items())),
        tables=(report.table([*found.values()]),),
        notes=(report.growth(noisy), *map(report.note, found.values()),
               "Each network was trained once: the intervals are over test pictures and say nothing of luck in "
               "training. The window's training pictures are a fixed choice; the exact posterior has all of them."),
    )  # fmt: skip


STUDY = Study(
    id="local",
    title="What did the network learn?",
    description=(
        "The best denoiser of a finite training set is known exactly: it weighs whole training pictures, and gives "
        "back one of them. A trained network does something else. Let each pixel look at the corrupted picture through "
        "a window only, and weigh the training pictures by what it sees: this local posterior needs no training, and "
        "foretells what a trained network answers."
    ),
    recipes=tuple(dict.fromkeys(problem.recipe for problem in PROBLEMS.values())),
    run=run,
)
