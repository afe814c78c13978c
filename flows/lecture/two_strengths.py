"""One corruption at two strengths: the lecture's autoencoder and a U-Net on digits, the autoencoder on clothes.

What the studies of erasure, blur and block masking have in common: they differ in a corruption and its strengths.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from daecore.evaluation import DenoisingReport, restore
from daecore.experiment import Experiment
from daecore.figures import COLUMNS, panel, png
from daecore.intervals import bootstrap
from daecore.pairs import draw_pairs
from daecore.rng import stream
from daecore.samples import as_float

from .study import Findings, Measured, Picture, Study, Table

if TYPE_CHECKING:
    from .laboratory import Judged, Laboratory

NETWORKS = {"conv": "", "unet": "-unet", "fashion": "-fashion"}  # figure and the end of its recipe's name
NAMES = {"conv": "autoencoder", "unet": "U-Net"}
SHOWN = {"": ("digits", ("conv", "unet")), "-fashion": ("pictures of clothes", ("fashion",))}
QUICK = {
    "conv": ("training.epochs=8",),
    "unet": ("training.epochs=2", "training.batch=64"),
    "fashion": ("training.epochs=8",),
}


Known = TypeVar("Known")


@dataclass(frozen=True)
class Strengths:
    """A corruption at the lecture's strengths.

    Attributes:
        id: The study's id, and the beginning of its recipes' names.
        title: Its heading.
        says: What the lecture says of it.
        values: The strengths as recipes name them.
        shown: A strength in words, where ``{}`` is its value.
    """

    id: str
    title: str
    says: str
    values: tuple[str, ...]
    shown: str

    @property
    def study(self) -> Study:
        """The study of it."""
        recipes = tuple(self.recipe(value, network) for value in self.values for network in NETWORKS)
        return Study(self.id, self.title, self.says, recipes, partial(run, strengths=self))

    def recipe(self, value: str, network: str) -> str:
        """The recipe of one network at one strength."""
        return f"lecture/{self.id}-{value}{NETWORKS[network]}"


@dataclass(frozen=True)
class Cell:
    """What was found at one strength.

    Attributes:
        strengths: The corruption.
        value: The strength.
        reports: How each network was judged, by its key in `NETWORKS`.
        psnr_db: Each network's dB on every test image, ``(N,)``.
    """

    strengths: Strengths
    value: str
    reports: Mapping[str, DenoisingReport]
    psnr_db: Mapping[str, NDArray[np.float32]]

    @property
    def name(self) -> str:
        """The beginning of its figures' names."""
        return f"{self.strengths.id}-{self.value}"

    @property
    def words(self) -> str:
        """The strength in words."""
        return self.strengths.shown.format(self.value)

    @property
    def better(self) -> str:
        """Which of the two networks restores the digits better."""
        return max(NAMES, key=lambda it: in_db(self.reports[it].restored_db))


def run(lab: "Laboratory", *, strengths: Strengths) -> Findings:
    """Train and judge all networks at all strengths."""
    cells, pictures = [], []
    for value in strengths.values:
        experiments = {it: lab.experiment(strengths.recipe(value, it), quick=QUICK[it]) for it in NETWORKS}
        judged = {network: lab.judge(experiment) for network, experiment in experiments.items()}
        reports = {network: item.report for network, item in judged.items()}
        cells.append(Cell(strengths, value, reports, {key: item.scores["psnr_db"] for key, item in judged.items()}))
        pictures += [_picture(lab, cells[-1], ending, experiments, judged) for ending in SHOWN]
    return Findings(
        figures={name: measured for cell in cells for name, measured in figures(cell)},
        pictures=tuple(pictures),
        tables=tuple(table(cell) for cell in cells),
        notes=tuple(note(cell) for cell in cells),
    )


def figures(cell: Cell) -> Iterator[tuple[str, Measured]]:
    """The numbers of one strength, by name, each mean with its interval over images."""
    for network, report in cell.reports.items():
        mean = Measured.of(bootstrap(cell.psnr_db[network], generator=stream(0, "bootstrap", "restored")), "dB")
        gain = Measured.of(in_db(report.gain_db), "dB")
        yield f"{cell.name}.{network}_db", mean
        yield f"{cell.name}.{network}_gain_db", gain
        if network == cell.better:
            yield f"{cell.name}.best_db", mean
            yield f"{cell.name}.gain_db", gain
            yield f"{cell.name}.gain_over_linear_db", Measured.of(in_db(report.gain_over_linear_db), "dB")
    report = cell.reports["conv"]
    for name, referee in {"linear": report.referees["linear"], "best_referee": report.best_referee}.items():
        yield f"{cell.name}.{name}_db", Measured(value=in_db(referee.db), n=referee.images, unit="dB")
    yield f"{cell.name}.corrupted_db", Measured(value=in_db(report.corrupted_db), n=report.images, unit="dB")


def table(cell: Cell) -> Table:
    """Every way to restore, best first."""
    digits, clothes = cell.reports["conv"], cell.reports["fashion"]
    others = {name: in_db(referee.db) for name, referee in clothes.referees.items()}
    others["conv"] = in_db(clothes.restored_db)
    found = {name: in_db(referee.db) for name, referee in digits.referees.items()}
    found |= {name: in_db(cell.reports[name].restored_db) for name in NAMES}
    named = {**NAMES, "identity": "nothing (as corrupted)"}
    rows = tuple(
        (named.get(name, name.replace("_", " ")), f"{found[name]:.2f}", f"{others[name]:.2f}" if name in others else "")
        for name in sorted(found, key=lambda it: -found[it])
    )
    title = f"{cell.strengths.title}, {cell.words}: mean PSNR of a test image"
    return Table(title, ("restored by", "MNIST, dB", "Fashion-MNIST, dB"), rows)


def note(cell: Cell) -> str:
    """The better network's lead, and whether it is a claim."""
    report = cell.reports[cell.better]
    gain, best = in_db(report.gain_db), report.best_referee.name.replace("_", " ")
    lead = f"{gain.mean:+.2f} dB [{gain.low:+.2f}, {gain.high:+.2f}] over the best referee, {best}"
    claim = "" if gain.conclusive else "; no difference is claimed: the interval contains zero"
    return f"With {cell.words} the {NAMES[cell.better]} restores better of the two networks: {lead}{claim}."


def in_db(number: Known | None) -> Known:
    """A number of a report that every report on images has.

    Raises:
        ValueError: It has none: this is no report on images.
    """
    if number is None:
        raise ValueError("this report has no number in dB, as it is not about images")
    return number


def _picture(
    lab: "Laboratory",
    cell: Cell,
    ending: str,
    experiments: Mapping[str, Experiment],
    judged: Mapping[str, "Judged"],
) -> Picture:
    """The lecture's picture: originals, what was made of them, and what the networks restore."""
    what, networks = SHOWN[ending]
    experiment = experiments[networks[0]]
    pairs = draw_pairs(lab.splits(experiment).test[0], experiment.corruptor, COLUMNS)
    rows: dict[str, Tensor] = {"original": as_float(pairs.clean.data), f"corrupted: {cell.words}": pairs.corrupted}
    for network in networks:
        name = NAMES.get(network, NAMES["conv"])
        rows[f"restored: {name}"] = restore(judged[network].trained.network, pairs.corrupted)
    caption = f"The first {COLUMNS} test {what}: original, corrupted ({cell.words}), and restored."
    return Picture(f"{cell.name}{ending}", caption, png(panel(rows)))
