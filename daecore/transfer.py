"""Transfer: an encoder becomes a classifier, beside the controls that keep the claim honest.

Knows encoders, labels and the one loop. Does not know how the encoders were trained or where they lie.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Literal, get_args

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from daecore import rng
from daecore.extension import Options
from daecore.intervals import Interval, student
from daecore.metrics import error_percent
from daecore.objective import classification
from daecore.place import autocast
from daecore.samples import Samples, Shape, Splits, as_float
from daecore.training import TrainingOptions, fit

Initialisation = Literal["scratch", "random", "autoencoder", "probe", "finetune"]
INITIALISATIONS: tuple[Initialisation, ...] = get_args(Initialisation)
FROZEN: frozenset[Initialisation] = frozenset({"random", "probe"})
SIZE = 1000


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


class Classifier(nn.Module):
    """An encoder, its code flattened and normalised, and one linear layer: ``(B, C, H, W) -> (B, classes)``.

    The normalisation has no parameters and is the same for every initialisation: codes of different
    encoders differ in scale, and one learning rate must serve them all.
    """

    def __init__(self, encoder: nn.Module, shape: Shape, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.shape = shape
        self.layer = nn.Linear(self._width(), classes)

    def features(self, clean: Tensor) -> Tensor:
        """The normalised code of clean samples ``(B, F)``, at the size the encoder was built for."""
        x = (
            clean
            if tuple(clean.shape[1:]) == self.shape
            else F.adaptive_avg_pool2d(clean, (self.shape[1], self.shape[2]))
        )
        code = self.encoder(x).flatten(1).float()
        return F.layer_norm(code, code.shape[1:])

    def forward(self, clean: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self.layer(self.features(clean))
        return logits

    def _width(self) -> int:
        device = next(self.encoder.parameters()).device
        with torch.no_grad():
            return int(self.encoder(torch.zeros(1, *self.shape, device=device)).flatten(1).shape[1])


def transfer(
    encoders: Mapping[Initialisation, Callable[[], nn.Module]],
    splits: Splits,
    options: TransferOptions,
    *,
    seed: int,
    input_shape: Shape,
    precision: Literal["float32", "bf16"],
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
    for count, draw in product(options.labels, range(options.seeds)):
        labelled = splits.train.select(draw_labels(splits.train, splits.classes or 0, count, seed, draw))
        for initialisation, encoder in encoders.items():
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(rng.stream(seed, "classifier", draw).initial_seed())
                model = Classifier(encoder(), input_shape, splits.classes or 0).to(splits.train.device)
            train = _train_layer if initialisation in FROZEN else _train_all
            train(model, labelled, options, seed + draw, precision)
            error = judged_error(model, splits.test, precision)
            yield Score(initialisation=initialisation, labels=count, draw=draw, error_percent=error)


def draw_labels(samples: Samples, classes: int, count: int, seed: int, draw: int) -> Tensor:
    """Positions of ``count`` samples, as equally many of each class as can be; int64 ``(count,)``.

    The draws of one seed differ by ``draw``; every initialisation gets the same ones.
    """
    generator = rng.stream(seed, "labels", count, draw)
    labels = (samples.labels if samples.labels is not None else torch.zeros(len(samples))).cpu()
    order = torch.randperm(len(samples), generator=generator)
    shares = torch.full((classes,), count // classes)
    shares[torch.randperm(classes, generator=generator)[: count % classes]] += 1
    parts = [order[labels[order] == number][: int(share)] for number, share in enumerate(shares)]
    return torch.cat(parts).to(samples.device)


@torch.inference_mode()
def judged_error(model: Classifier, groups: tuple[Samples, ...], precision: str) -> float:
    """The share of test samples the classifier gets wrong, in percent."""
    model.eval()
    logits, labels = [], []
    for batch in (batch for group in groups for batch in group.batches(SIZE)):
        with autocast(batch.clean.device, precision):
            logits.append(model(batch.clean).float())
        labels.append(batch.labels)
    return error_percent(torch.cat(logits), torch.cat([label for label in labels if label is not None])).item()


def summarise(scores: list[Score]) -> TransferReport:
    """Means and intervals over the draws, and `finetune` against each trained control, paired."""
    by = {(score.initialisation, score.labels, score.draw): score.error_percent for score in scores}
    budgets = sorted({score.labels for score in scores})
    names = [name for name in INITIALISATIONS if any(score.initialisation == name for score in scores)]
    draws = sorted({score.draw for score in scores})
    rows = [
        TransferRow(
            initialisation=name, labels=count, n=len(draws), error_percent=student([by[name, count, d] for d in draws])
        )
        for count, name in product(budgets, names)
    ]
    pairs = [
        Difference(
            control=name, labels=count, n=len(draws),
            gain_percent=student([by[name, count, d] - by["finetune", count, d] for d in draws]),
        )
        for count, name in product(budgets, names) if name != "finetune" and "finetune" in names
    ]  # fmt: skip
    return TransferReport(rows=tuple(rows), differences=tuple(pairs))


def _train_all(model: Classifier, labelled: Samples, options: TransferOptions, seed: int, precision: str) -> None:
    _run(model, labelled, options, options.learning_rate, seed, precision)


def _train_layer(model: Classifier, labelled: Samples, options: TransferOptions, seed: int, precision: str) -> None:
    """Train the linear layer on the frozen encoder's features, which are computed once."""
    model.eval()
    with torch.no_grad():
        features = torch.cat([model.features(as_float(part)) for part in labelled.data.split(SIZE)])
    _run(model.layer, Samples(features, labelled.labels), options, options.probe_learning_rate, seed, "float32")


def _run(model: nn.Module, samples: Samples, options: TransferOptions, rate: float, seed: int, precision: str) -> None:
    batch = min(options.batch, len(samples))
    epochs = math.ceil(options.steps / math.ceil(len(samples) / batch))
    training = TrainingOptions.model_validate(
        {"epochs": epochs, "batch": batch, "learning_rate": rate, "precision": precision}
    )
    for _ in fit(model, classification, samples, training, seed=seed):
        pass
