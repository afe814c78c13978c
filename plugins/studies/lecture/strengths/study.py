"""One corruption at two strengths: the lecture's autoencoder and a U-Net on digits, the autoencoder on clothes.

What the studies of erasure, blur and block masking have in common: they differ in a corruption and its strengths.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from daecore.corruption import draw_pairs
from daecore.data import as_float
from daecore.experiment import Experiment
from daecore.model import restore
from daecore.plots import COLUMNS, panel, png
from daecore.study import Evaluated, Findings, Laboratory, Picture, Study

from .report import NAMES, OneStrength, figures, note, table

NETWORKS = {"conv": "", "unet": "-unet", "fashion": "-fashion"}  # figure and the end of its recipe's name
SHOWN = {"": ("digits", ("conv", "unet")), "-fashion": ("pictures of clothes", ("fashion",))}
QUICK = {"conv": ("training.epochs=5", "training.batch=64"), "unet": ("training.epochs=1", "training.batch=16")}
LEFT_OUT = "These are small budgets: few digits, few epochs, and no clothes."


@dataclass(frozen=True)
class Strengths:
    """A corruption at the lecture's strengths.

    Attributes:
        id: The study's id, and the beginning of its recipes' names.
        title: Its heading.
        description: What the lecture says of it.
        values: The strengths as recipes name them.
        shown: A strength in words, where ``{}`` is its value.
    """

    id: str
    title: str
    description: str
    values: tuple[str, ...]
    shown: str

    @property
    def study(self) -> Study:
        """The study of it."""
        recipes = tuple(self.recipe(value, network) for value in self.values for network in NETWORKS)
        return Study(self.id, self.title, self.description, recipes, partial(run, strengths=self))

    def recipe(self, value: str, network: str) -> str:
        """The recipe of one network at one strength."""
        return f"lecture/{self.id}-{value}{NETWORKS[network]}"


def run(lab: Laboratory, *, strengths: Strengths) -> Findings:
    """Train and evaluate all networks at all strengths."""
    found, pictures, networks = [], [], QUICK if lab.quick else NETWORKS
    for value in strengths.values:
        experiments = {it: lab.experiment(strengths.recipe(value, it), quick=QUICK.get(it, ())) for it in networks}
        evaluated = {network: lab.evaluate(experiment) for network, experiment in experiments.items()}
        reports = {network: item.report for network, item in evaluated.items()}
        scores = {network: item.scores["psnr_db"] for network, item in evaluated.items()}
        found.append(OneStrength(f"{strengths.id}-{value}", strengths.shown.format(value), reports, scores))
        pictures += [
            _picture(lab, found[-1], ending, experiments, evaluated)
            for ending in SHOWN
            if SHOWN[ending][1][0] in evaluated
        ]
    return Findings(
        figures={name: measured for item in found for name, measured in figures(item)},
        pictures=tuple(pictures),
        tables=tuple(map(table, found)),
        notes=(*map(note, found), *([LEFT_OUT] if lab.quick else [])),
    )


def _picture(
    lab: Laboratory,
    found: OneStrength,
    ending: str,
    experiments: Mapping[str, Experiment],
    evaluated: Mapping[str, Evaluated],
) -> Picture:
    """The lecture's picture: originals, what was made of them, and what the networks restore."""
    what, networks = SHOWN[ending]
    experiment = experiments[networks[0]]
    pairs = draw_pairs(lab.splits(experiment).test[0], experiment.corruptor, COLUMNS)
    rows: dict[str, Tensor] = {"original": as_float(pairs.clean.data), f"corrupted: {found.words}": pairs.corrupted}
    for network in networks:
        name = NAMES.get(network, NAMES["conv"])
        rows[f"restored: {name}"] = restore(evaluated[network].trained.network, pairs.corrupted)
    caption = f"The first {COLUMNS} test {what}: original, corrupted ({found.words}), and restored."
    return Picture(f"{found.name}{ending}", caption, png(panel(rows)))
