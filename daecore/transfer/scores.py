"""Scores: the errors of classifiers, summed up over draws of labels and compared draw by draw.

Knows numbers and names. Does not train.
"""

from collections.abc import Sequence

from daecore.record import Record
from daecore.stats.intervals import Interval, student
from daecore.transfer.task import Method


class Classified(Record):
    """One classifier, chosen by validation and evaluated once.

    Attributes:
        error_percent: On the test set.
        validation_error_percent: On the part of the validation set that chose.
        learning_rate: The one that was chosen; None for a vote of the nearest codes.
        neighbours: How many of them vote; None for what was trained.
        epoch: The pass whose weights were kept, from 1; 0 for a vote.
        epochs: How many passes there were.
        seconds: What training and choosing took.
        weights_sha256: Of the network, or of the linear layer alone; None for a vote.
    """

    error_percent: float
    validation_error_percent: float
    learning_rate: float | None
    neighbours: int | None
    epoch: int
    epochs: int
    seconds: float
    weights_sha256: str | None


class Cell(Record):
    """A way to come by a classifier.

    Attributes:
        name: What reports and metrics call it.
        encoder: Where its encoder comes from.
        method: How the encoder becomes a classifier.
    """

    name: str
    encoder: str
    method: Method


class Score(Record):
    """The test error of one classifier.

    Attributes:
        initialisation: The name of its cell.
        encoder: Where its encoder comes from.
        method: How the encoder became a classifier.
        labels: How many there were.
        draw: Which ones.
        choice: Its learning rate; of a vote, how many codes took part.
        error_percent: On the test set.
    """

    initialisation: str
    encoder: str
    method: Method
    labels: int
    draw: int
    choice: float
    error_percent: float


class TransferRow(Record):
    """The mean test error of one cell and number of labels, Student t over the draws."""

    initialisation: str
    encoder: str
    method: Method
    labels: int
    error_percent: Interval
    n: int


class Difference(Record):
    """How many percentage points fewer errors a cell makes than a control, paired over the draws."""

    initialisation: str
    control: str
    labels: int
    gain_percent: Interval
    n: int


class TransferReport(Record):
    """All rows and paired differences; empty where there are no labels."""

    rows: tuple[TransferRow, ...] = ()
    differences: tuple[Difference, ...] = ()


def summarise(scores: Sequence[Score], ours: str = "finetune") -> TransferReport:
    """Means with Student's intervals over the draws, and one cell against each other one, paired by draw.

    A single draw has no interval: its row says ``low = mean = high`` with n = 1, and no difference is claimed.

    Args:
        scores: In the order in which cells are told.
        ours: The name of the cell that the others are controls of.
    """
    cells: dict[tuple[int, str], list[Score]] = {}
    for score in scores:
        cells.setdefault((score.labels, score.initialisation), []).append(score)
    rows = [_row(found) for found in cells.values()]
    differences = [
        _difference(found, cells[labels, ours])
        for (labels, name), found in cells.items()
        if name != ours and len(_shared_gains(found, cells.get((labels, ours), []))) > 1
    ]
    return TransferReport(rows=tuple(rows), differences=tuple(differences))


def _row(found: Sequence[Score]) -> TransferRow:
    first, errors = found[0], [score.error_percent for score in found]
    alone = Interval(mean=errors[0], low=errors[0], high=errors[0], n=1)
    return TransferRow(
        initialisation=first.initialisation,
        encoder=first.encoder,
        method=first.method,
        labels=first.labels,
        error_percent=student(errors) if len(errors) > 1 else alone,
        n=len(errors),
    )


def _difference(controls: Sequence[Score], ours: Sequence[Score]) -> Difference:
    gains = _shared_gains(controls, ours)
    return Difference(
        initialisation=ours[0].initialisation,
        control=controls[0].initialisation,
        labels=ours[0].labels,
        gain_percent=student(gains),
        n=len(gains),
    )


def _shared_gains(controls: Sequence[Score], ours: Sequence[Score]) -> list[float]:
    """What was gained in each draw that both have."""
    reached = {score.draw: score.error_percent for score in ours}
    return [score.error_percent - reached[score.draw] for score in controls if score.draw in reached]
