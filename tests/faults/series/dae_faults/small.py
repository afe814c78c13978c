"""Small: a network, a stack, a machine, a classifier, all of them tiny."""

from daecore.stats import in_db
from daecore.study import Findings, Laboratory, Measured, Study
from daecore.transfer import ClassifierOptions

RECIPE, STACK = "faults/digits", "stacked/digits"


def run(lab: Laboratory) -> Findings:
    """Call each stage once."""
    experiment, stack = lab.experiment(RECIPE), lab.experiment(STACK, "training.epochs=2", "transfer=null")
    evaluated = lab.evaluate(experiment)
    machine = lab.evaluate_svm(experiment)
    whole = lab.stack(stack).whole
    options = ClassifierOptions(steps=10)
    classified = lab.classify(stack, whole, "finetune", options, labels=20, draw=0)
    figures = {
        "gain_db": Measured.of(in_db(evaluated.report.gain_db), "dB"),
        "svm": Measured.of(machine.error_percent, "%"),
        "finetuned": Measured(classified.error_percent, "%"),
    }
    return Findings(figures=figures)


STUDY = Study(id="small", title="Small", description="Everything once.", recipes=(RECIPE, STACK), run=run)
