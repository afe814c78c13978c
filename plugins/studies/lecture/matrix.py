"""The generalisation matrix: what a network trained on one corruption makes of all others, and a blind one beside."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from daecore import stream
from daecore.corruption import draw_pairs
from daecore.data import Pairs, as_float
from daecore.experiment import Experiment
from daecore.model import restore
from daecore.plots import heat_map, png
from daecore.stats import Interval, bootstrap, format_gain_db, psnr
from daecore.study import Findings, Laboratory, Measured, Picture, Study, Table

from .strengths.study import QUICK

EVALUATED = 2000  # test images
TASKS = ("erasure-0.5", "erasure-0.9", "blur-2", "blur-4", "block-10", "block-16")
BLIND, NOTHING = "blind", "nothing"


@dataclass(frozen=True)
class Matrix:
    """PSNR of every test image under every corruption, by every network.

    Attributes:
        rows: Who restores: nothing (the corrupted image), a network per task, the blind one.
        columns: The tasks it is evaluated on.
        psnr_db: ``(R, C, N)``, paired over images along each column.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    psnr_db: NDArray[np.float32]

    def of(self, row: str, column: str = "") -> NDArray[np.float32]:
        """Each image's dB in a cell; of a whole row, the mean over its cells; ``(N,)``."""
        cells = self.psnr_db[self.rows.index(row)]
        mean: NDArray[np.float32] = cells[self.columns.index(column)] if column else cells.mean(0)
        return mean

    def behind(self, column: str) -> Interval:
        """What the blind network lacks to the one trained on the column's own corruption, in dB."""
        return _interval(self.of(column, column) - self.of(BLIND, column))

    @property
    def means(self) -> NDArray[np.float64]:
        """Mean dB of each cell, ``(R, C)``."""
        means: NDArray[np.float64] = self.psnr_db.mean(2, dtype=np.float64)
        return means


def run(lab: Laboratory) -> Findings:
    """Train what the tasks' own studies have not trained yet, and evaluate every network on every corruption."""
    experiments = {name: lab.experiment(f"lecture/{name}", quick=QUICK["conv"]) for name in (*TASKS, BLIND)}
    networks: dict[str, nn.Module] = {name: lab.train(it).network for name, it in experiments.items()}
    pairs = {name: _pairs(lab, experiments[name]) for name in TASKS}
    matrix = measure({NOTHING: nn.Identity(), **networks}, pairs)
    return Findings(
        figures=dict(figures(matrix)),
        pictures=(_picture(matrix),),
        tables=(_table(matrix),),
        notes=(*_notes(matrix), LADDER),
    )


LADDER = (
    "The blind network saw each kind of corruption at three strengths, the tested ones among them, and was told "
    "nothing of which. A mixture takes single corruptions only, and a block's size is one for a whole batch: hence a "
    "ladder of strengths rather than one drawn for each picture."
)


def measure(networks: dict[str, nn.Module], pairs: dict[str, Pairs]) -> Matrix:
    """Restore all pairs by all networks.

    Args:
        networks: By name; each takes images of one shape to images of that shape.
        pairs: By the name of their corruption; the same clean images in all.
    """
    scores = [[_psnr(network, some) for some in pairs.values()] for network in networks.values()]
    return Matrix(tuple(networks), tuple(pairs), np.stack([np.stack(row) for row in scores]))


def figures(matrix: Matrix) -> Iterator[tuple[str, Measured]]:
    """The numbers by name: ``erasure-0.5.on.blur-2_db``, row means, what the blind one lacks."""
    for row in matrix.rows:
        for column in matrix.columns:
            yield f"{row}.on.{column}_db", Measured.of(_interval(matrix.of(row, column)), "dB")
        yield f"{row}.mean_db", Measured.of(_interval(matrix.of(row)), "dB")
    for column in matrix.columns:
        yield f"{BLIND}.behind.{column}_db", Measured.of(matrix.behind(column), "dB")


def _pairs(lab: Laboratory, experiment: Experiment) -> Pairs:
    """The first test images with the noise on which everyone is evaluated."""
    return draw_pairs(lab.splits(experiment).test[0], experiment.corruptor, EVALUATED)


def _psnr(network: nn.Module, pairs: Pairs) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = psnr(restore(network, pairs.corrupted), as_float(pairs.clean.data)).numpy()
    return scores


def _interval(values: NDArray[np.float32]) -> Interval:
    return bootstrap(values, generator=stream(0, "bootstrap", "matrix"))


def _picture(matrix: Matrix) -> Picture:
    names = {NOTHING: "nothing (as corrupted)", BLIND: "all of them (blind)"}
    figure = heat_map(
        matrix.means,
        [names.get(row, row.replace("-", " ")) for row in matrix.rows],
        [column.replace("-", " ") for column in matrix.columns],
        row_label="trained on",
        column_label="evaluated on",
        unit="dB",
    )
    caption = (
        f"Mean PSNR in dB over {matrix.psnr_db.shape[2]} test digits, for each network (rows) under each corruption "
        "(columns). Colour says what a cell lacks to the best of its column, which has a frame."
    )
    return Picture("matrix", caption, png(figure))


def _table(matrix: Matrix) -> Table:
    rows = tuple(
        (row, *(f"{value:.2f}" for value in means), str(_interval(matrix.of(row))))
        for row, means in zip(matrix.rows, matrix.means, strict=True)
    )
    head = ("trained on", *matrix.columns, "mean of the row [95 %]")
    return Table("Mean PSNR in dB, by what a network was trained and evaluated on", head, rows)


def _notes(matrix: Matrix) -> Iterator[str]:
    trained = [row for row in matrix.rows if row != NOTHING]
    best, second = sorted(trained, key=lambda row: -matrix.of(row).mean())[:2]
    yield (
        f"The highest mean over all corruptions has the network trained on {_words(best)}: "
        f"{_interval(matrix.of(best))} dB; its lead over the next, {_words(second)}: "
        f"{format_gain_db(_interval(matrix.of(best) - matrix.of(second)))}."
    )
    worse = [
        (row, column)
        for row in trained
        for column in matrix.columns
        if _interval(matrix.of(row, column) - matrix.of(NOTHING, column)).high < 0
    ]
    yield (
        f"In {len(worse)} of {len(trained) * len(matrix.columns)} cells the network's picture is worse than the "
        "corrupted one it was given, with an interval that leaves out zero."
    )
    lacks = [f"{matrix.behind(column).mean:+.2f} on {column}" for column in matrix.columns]
    yield f"What the blind network lacks to the one trained for each corruption, in dB: {', '.join(lacks)}."


def _words(row: str) -> str:
    return "all of them" if row == BLIND else row


STUDY = Study(
    id="matrix",
    title="One corruption learnt, another met",
    description=(
        "A denoising autoencoder learns to undo the corruption it was shown. Whether it can undo another is a question "
        "of its own: each network of the lecture is tried on every corruption, and beside them one that was shown all "
        "of them."
    ),
    recipes=(*(f"lecture/{task}" for task in TASKS), f"lecture/{BLIND}"),
    run=run,
)
