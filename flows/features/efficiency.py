"""Label efficiency: what classifiers of several encoders reach with few and with many labels, shown.

Knows scores. Does not train.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from daecore.claims import fewer_errors_than, told
from daecore.efficiency import label_efficiency
from daecore.figures import png
from daecore.intervals import Interval, student
from daecore.scores import Score, TransferReport

from ..series.study import Measured, Picture, Table

POINTS = "percentage points"


def figures(report: TransferReport) -> Iterator[tuple[str, Measured]]:
    """The numbers by name: ``gain_percent.denoising.scratch.100`` first, then ``error_percent.scratch.100``.

    MLflow's metrics are the first of them.
    """
    for item in report.differences:
        name = f"gain_percent.{item.initialisation}.{item.control}.{item.labels}"
        yield name, Measured.of(item.gain_percent, POINTS)
    for row in report.rows:
        error = Measured.of(row.error_percent, "%")
        single = row.n == 1
        yield (
            f"error_percent.{row.initialisation}.{row.labels}",
            Measured(value=error.value, unit="%") if single else error,
        )


def picture(report: TransferReport) -> Picture:
    """The errors against the number of labels."""
    caption = (
        "Test error against the number of labelled pictures, both logarithmic: a line for each way to come by a "
        "classifier, with 95 % bands over draws of labels and trainings. All see the same labels, "
        "and all but the vote of nearest codes the same augmentation; all pre-training sees the training pictures "
        "without labels."
    )
    return Picture("label_efficiency", caption, png(label_efficiency(report)))


def tables(report: TransferReport, rates: Mapping[tuple[str, int], float]) -> tuple[Table, ...]:
    """Every error, with the rate that validation chose; every paired difference."""
    errors = tuple(
        (row.labels, row.initialisation, row.method, _told(row.error_percent, row.n), row.n,
         f"{rates[row.initialisation, row.labels]:g}" if (row.initialisation, row.labels) in rates else "")
        for row in report.rows
    )  # fmt: skip
    gains = tuple(
        (it.labels, it.initialisation, it.control, _told(it.gain_percent, it.n), it.n) for it in report.differences
    )
    return (
        Table("Test error in percent", ("labels", "initialisation", "method", "error, %", "draws", "rate"), errors),
        Table(
            "Percentage points fewer errors, paired over draws",
            ("labels", "fine-tuned from", "than", "points", "draws"),
            gains,
        ),
    )


def by_draw(scores: Sequence[Score]) -> Table:
    """A row for each cell and budget, a column for each draw: what the intervals are made of."""
    cells: dict[tuple[int, str], dict[int, float]] = {}
    for score in scores:
        cells.setdefault((score.labels, score.initialisation), {})[score.draw] = score.error_percent
    draws = sorted({score.draw for score in scores})
    rows = tuple(
        (*cell, *(f"{errors[draw]:.2f}" if draw in errors else "" for draw in draws)) for cell, errors in cells.items()
    )
    head = ("labels", "initialisation", *(f"draw {draw}" for draw in draws))
    return Table("Test error in percent, by draw of labels", head, rows)


def notes(report: TransferReport, ours: str, asked: Mapping[int, float]) -> Iterator[str]:
    """What was reached beside what was asked, and each difference, claimed or not: a note for each budget.

    Args:
        report: The errors.
        ours: The name of the cell that is compared with controls.
        asked: The errors in percent that were to be reached, by the number of labels.
    """
    for row in report.rows:
        if row.initialisation == ours:
            found = [item for item in report.differences if (item.initialisation, item.labels) == (ours, row.labels)]
            beside = fewer_errors_than({item.control: item.gain_percent for item in found})
            mean, wanted = row.error_percent.mean, asked.get(row.labels)
            yield (
                f"With {row.labels:,} labels, fine-tuned from {ours}: {mean:.2f} % errors"
                f"{_verdict(mean, wanted)}.{f' In percentage points: {beside}.' if beside else ''}"
            )


def notes_over_trainings(scores: Sequence[Score], ours: str, controls: Sequence[str], trainings: int) -> Iterator[str]:
    """The same differences over trainings of the encoders, for each budget in which draws share them.

    Args:
        scores: The errors; draw d had the training d modulo ``trainings``, of each encoder.
        ours: The name of the cell that is compared with controls.
        controls: Those of them that are pre-trained as well.
        trainings: How many there are of each encoder.
    """
    errors = {(score.labels, score.initialisation, score.draw): score.error_percent for score in scores}
    for labels in dict.fromkeys(score.labels for score in scores):
        draws = [draw for count, name, draw in errors if (count, name) == (labels, ours)]
        if len(draws) > trainings > 1:
            shared = [draws[first::trainings] for first in range(trainings)]
            gains = {
                name: student(
                    [fmean(errors[labels, name, at] - errors[labels, ours, at] for at in each) for each in shared]
                )
                for name in controls
            }
            yield (
                f"With {labels:,} labels, the mean over the draws of each of {trainings} trainings in place of every "
                f"draw: {fewer_errors_than(gains)}."
            )


def _verdict(mean: float, wanted: float | None) -> str:
    if wanted is None:
        return ""
    return f" (at most {wanted:g} % were asked for: {'reached' if mean <= wanted else 'missed'})"


def _told(value: Interval, count: int) -> str:
    return f"{value.mean:.2f}" if count == 1 else told(value)
