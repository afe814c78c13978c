"""Strengths: how much a network gains where it was trained on as much noise as it meets, and where on less."""

from daecore.corruption import draw_pairs
from daecore.data import as_float
from daecore.model import restore
from daecore.plots import COLUMNS, panel, png
from daecore.stats import format_gain_db, in_db
from daecore.study import Evaluated, Findings, Laboratory, Measured, Picture, Study, Table

RECIPE = "dusk/digits"
STRENGTHS = {"half": "corruptions.0.erasure.p=0.5", "three quarters": "corruptions.0.erasure.p=0.75"}
QUICK = ("training.epochs=2",)  # budgets, not shapes


def run(lab: Laboratory) -> Findings:
    """Train a network for each strength, and evaluate it beside the baselines."""
    evaluated = {name: lab.evaluate(lab.experiment(RECIPE, change, quick=QUICK)) for name, change in STRENGTHS.items()}
    gains = {name: in_db(each.report.gain_db) for name, each in evaluated.items()}
    return Findings(
        figures={f"gain_db.{name.replace(' ', '_')}": Measured.of(gain, "dB") for name, gain in gains.items()},
        pictures=(_picture(lab, evaluated["half"]),),
        tables=(Table("Gain over the best baseline", ("erased", "gain"), tuple(map(tuple, _rows(evaluated)))),),
        notes=tuple(f"With {name} of the pixels erased: {format_gain_db(gain)}." for name, gain in gains.items()),
    )


def _rows(evaluated: dict[str, Evaluated]) -> list[list[str]]:
    return [[name, format_gain_db(in_db(each.report.gain_db))] for name, each in evaluated.items()]


def _picture(lab: Laboratory, evaluated: Evaluated) -> Picture:
    """The first test samples, as they are, corrupted and restored."""
    experiment = lab.experiment(RECIPE, STRENGTHS["half"], quick=QUICK)
    pairs = draw_pairs(lab.splits(experiment).test[0], experiment.corruptor, COLUMNS)
    rows = {
        "original": as_float(pairs.clean.data),
        "corrupted": pairs.corrupted,
        "restored": restore(evaluated.trained.network, pairs.corrupted),
    }
    caption = "The first test digits: original, half of the pixels erased, restored."
    return Picture("restored", caption, png(panel(rows)))


STUDY = Study(
    id="strengths",
    title="Strengths of a corruption",
    description="Pixels go dark one by one. How much does a network gain that has seen as much of it in training?",
    recipes=(RECIPE,),
    run=run,
)
