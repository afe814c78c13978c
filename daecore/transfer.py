"""Transfer: an encoder becomes a classifier, beside the controls that keep the claim honest.

Knows encoders, labels and the one loop. Does not know how the encoders were trained or where they lie.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Literal, get_args

import torch
from pydantic import Field
from torch import Tensor, nn

from daecore import rng
from daecore.classifier import Classifier, epochs_for, judge, train_all, train_layer
from daecore.errors import InputError
from daecore.extension import Options
from daecore.intervals import Interval, student
from daecore.place import Precision
from daecore.samples import Samples, Shape, Splits
from daecore.training import TrainingOptions

Initialisation = Literal["scratch", "random", "autoencoder", "probe", "finetune"]
INITIALISATIONS: tuple[Initialisation, ...] = get_args(Initialisation)
FROZEN: frozenset[Initialisation] = frozenset({"random", "probe"})


class TransferOptions(Options):
    """Which classifiers are trained from the encoder."""

    labels: tuple[int, ...] = Field(default=(100, 1000), min_length=1, description="labelled images, balanced by class")
    seeds: int = Field(default=3, ge=1, le=100, description="draws of labels; every initialisation sees the same ones")
    steps: int = Field(default=300, ge=1, le=100_000, description="steps of training, at least; whole epochs are run")
    batch: int = Field(default=64, ge=1, le=65_536, description="labelled images a step")
    learning_rate: float = Field(default=3e-3, gt=0, le=10, description="highest rate where the encoder is trained too")
    probe_learning_rate: float = Field(default=1e-2, gt=0, le=10, description="highest rate of a linear layer alone")


class Score(Options):
    """The test error of one classifier."""

    initialisation: Initialisation
    labels: int
    draw: int
    error_percent: float


class TransferRow(Options):
    """The mean test error of one initialisation and label budget, Student t over the draws."""

    initialisation: Initialisation
    labels: int
    error_percent: Interval
    n: int


class Difference(Options):
    """How many percentage points fewer errors `finetune` makes than a control, paired over the draws."""

    control: Initialisation
    labels: int
    gain_percent: Interval
    n: int


class TransferReport(Options):
    """All rows and paired differences; empty where there are no labels."""

    rows: tuple[TransferRow, ...] = ()
    differences: tuple[Difference, ...] = ()


def transfer(
    encoders: Mapping[Initialisation, Callable[[], nn.Module]],
    splits: Splits,
    options: TransferOptions,
    *,
    seed: int,
    input_shape: Shape,
    precision: Precision,
) -> Iterator[Score]:
    """Train and judge a classifier for each initialisation, label budget and draw; yields scores as they come.

    The test set is touched once per classifier and chooses nothing.

    Args:
        encoders: How to get each initialisation's encoder, anew at every call, on the samples' device.
        splits: The dataset; labels are drawn from ``train``.
        options: Budgets, draws, steps, rates.
        seed: Names the label draws and the training's streams.
        input_shape: What the encoders were built for.
        precision: Of the training.
    """
    classes = splits.classes or 0
    for count, draw in product(options.labels if classes else (), range(options.seeds)):
        labelled = splits.train.select(draw_labels(splits.train, classes, count, seed, draw))
        run_seed = rng.stream(seed, "classifier", draw).initial_seed()
        for initialisation, encoder in encoders.items():
            with torch.random.fork_rng(devices=[]):  # the linear layer starts alike for every initialisation
                torch.manual_seed(run_seed)
                model = Classifier(encoder(), input_shape, classes).to(splits.train.device)
            frozen = initialisation in FROZEN
            train = train_layer if frozen else train_all
            train(model, labelled, _training(options, count, frozen, precision), seed=run_seed)
            error = judge(model, splits.test, precision)
            yield Score(initialisation=initialisation, labels=count, draw=draw, error_percent=error)


def draw_labels(samples: Samples, classes: int, count: int, seed: int, draw: int) -> Tensor:
    """Positions of ``count`` samples, as equally many of each class as can be; int64 ``(count,)``.

    The draws of one seed differ by ``draw``; every initialisation gets the same ones.

    Raises:
        InputError: A class has too few samples, or there are no labels.
    """
    generator = rng.stream(seed, "labels", count, draw)
    if samples.labels is None:
        raise InputError("Transfer needs labels, and these samples have none. Set transfer to null.")
    labels = samples.labels.cpu()
    order = torch.randperm(len(samples), generator=generator)
    shares = torch.full((classes,), count // classes)
    shares[torch.randperm(classes, generator=generator)[: count % classes]] += 1
    parts = [order[labels[order] == number][: int(share)] for number, share in enumerate(shares)]
    if sum(map(len, parts)) < count:
        few = min(range(classes), key=lambda number: len(parts[number]))
        raise InputError(
            f"{count} labels need {int(shares[few])} of class {few}, but there are {len(parts[few])}. Ask for fewer."
        )
    return torch.cat(parts).to(samples.device)


def summarise(scores: Sequence[Score]) -> TransferReport:
    """Means with Student's intervals over the draws, and `finetune` against each control, paired by draw.

    A single draw has no interval: its row says ``low = mean = high`` with n = 1, and no difference is claimed.
    """
    cells: dict[tuple[int, Initialisation], dict[int, float]] = {}
    for score in scores:
        cells.setdefault((score.labels, score.initialisation), {})[score.draw] = score.error_percent
    keys = sorted(cells, key=lambda key: (key[0], INITIALISATIONS.index(key[1])))
    rows = [_row(count, name, list(cells[count, name].values())) for count, name in keys]
    differences = [
        _difference(count, name, cells[count, name], cells[count, "finetune"])
        for count, name in keys
        if name != "finetune" and len(cells.get((count, "finetune"), {})) > 1
    ]
    return TransferReport(rows=tuple(rows), differences=tuple(differences))


def _training(options: TransferOptions, count: int, frozen: bool, precision: Precision) -> TrainingOptions:
    return TrainingOptions(
        epochs=epochs_for(options.steps, options.batch, count),
        batch=options.batch,
        learning_rate=options.probe_learning_rate if frozen else options.learning_rate,
        precision=precision,
    )


def _row(count: int, name: Initialisation, errors: list[float]) -> TransferRow:
    alone = Interval(mean=errors[0], low=errors[0], high=errors[0], n=1)
    interval = student(errors) if len(errors) > 1 else alone
    return TransferRow(initialisation=name, labels=count, error_percent=interval, n=len(errors))


def _difference(count: int, name: Initialisation, control: dict[int, float], ours: dict[int, float]) -> Difference:
    gains = [control[draw] - error for draw, error in ours.items()]
    return Difference(control=name, labels=count, gain_percent=student(gains), n=len(gains))
