"""Transfer: encoders become classifiers, beside the controls that keep the claim honest.

Knows encoders by name, numbers of labels and draws of them. Does not know how the encoders were trained or where
they lie.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pydantic import Field
from torch import nn

from daecore.data.batch_source import Shape
from daecore.data.label_draws import CHOICE, Labels
from daecore.data.samples import Splits
from daecore.device import Precision
from daecore.plugin.options import Options
from daecore.transfer.encoder import PretrainedEncoder
from daecore.transfer.scores import Cell, Score
from daecore.transfer.task import ClassifierOptions, Task

CELLS = (
    Cell(name="scratch", encoder="untrained", method="finetune"),
    Cell(name="random", encoder="untrained", method="probe"),
    Cell(name="autoencoder", encoder="autoencoder", method="finetune"),
    Cell(name="knn", encoder="denoising", method="knn"),
    Cell(name="probe", encoder="denoising", method="probe"),
    Cell(name="finetune", encoder="denoising", method="finetune"),
)
NAMES = tuple(cell.name for cell in CELLS)


class Draws(Options):
    """How many labels are shown, and how often they are drawn."""

    labels: tuple[Labels, ...] = Field(
        default=(100, 1000), min_length=1, description="labelled images, balanced by class; 0 or all: the training set"
    )
    seeds: int = Field(default=3, ge=1, le=100, description="draws of labels; every initialisation sees the same ones")


class TransferOptions(ClassifierOptions, Draws):
    """Which classifiers are trained from the encoder."""


def transfer(
    encoders: Mapping[str, Callable[[], nn.Module]],
    splits: Splits,
    options: TransferOptions,
    *,
    seed: int,
    input_shape: Shape,
    precision: Precision,
    cells: Sequence[Cell] = CELLS,
) -> Iterator[Score]:
    """Train and evaluate a classifier for each number of labels, draw and cell; yields scores as they come.

    The test set is touched once per classifier and chooses nothing. Where there are several learning rates, each
    cell's is chosen for each number of labels on the validation set, with a draw of labels that is not scored.

    Args:
        encoders: How to get each encoder, anew at every call, on the samples' device.
        splits: The dataset; labels are drawn from ``train``.
        options: Budgets, draws, steps, rates.
        seed: Names the label draws and the training's streams.
        input_shape: What the encoders were built for.
        precision: Of trainings in which the encoder is trained too.
        cells: Which classifiers, each from one of the encoders.
    """
    task = Task(splits, options, input_shape, seed, precision)
    found = {name: PretrainedEncoder(encoder, task) for name, encoder in encoders.items()}
    for count in options.labels if splits.classes else ():
        rates = {cell.name: _rate(found[cell.encoder], cell, count, options) for cell in cells}
        for draw in range(options.seeds):
            for cell in cells:
                rate = rates[cell.name]
                fitted = found[cell.encoder].fit(
                    cell.method, count, draw, (rate,), validation_checks=options.validation_checks
                )
                yield Score(
                    initialisation=cell.name, encoder=cell.encoder, method=cell.method, choice=fitted.choice,
                    labels=count or len(splits.train), draw=draw, error_percent=fitted.test_error(),
                )  # fmt: skip


def _rate(encoder: PretrainedEncoder, cell: Cell, count: int, options: TransferOptions) -> float:
    """The only rate there is, or the one with the fewest errors on the validation set."""
    rates = options.rates(cell.method)
    if len(rates) == 1:
        return rates[0]
    return encoder.fit(cell.method, count, CHOICE, rates, validation_checks=max(1, options.validation_checks)).choice
