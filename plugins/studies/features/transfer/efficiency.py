"""Label efficiency: what classifiers of several encoders reach with few and with many labels, shown.

Knows scores. Does not train.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from daecore.plots import label_efficiency, png
from daecore.stats import fewer_errors_than, format_interval
from daecore.study import Measured, Picture, Table
from daecore.transfer import Score, TransferReport

POINTS = "percentage points"


def figures(report: TransferReport) -> Iterator[tuple[str, Measured]]:
    """The numbers by name: ``gain_percent.denoising.scratch.100`` first, then ``error_percent.scratch.100``.

    MLflow's metrics are the first of them.
    """
    for item in report.differences:
        name = f"gain_percent.{item.initialisation}.{item.control}.{item.labels}"
        yield name, Measured.of(item.gain_percent, POINTS)
    for row in report.rows:
        yield f"error_percent.{row.initialisation}.{row.labels}", Measured.of(row.error_percent, "%")


def picture(report: TransferReport) -> Picture:
    """The errors against the number of labels."""
    caption = (
        "Test error, logarithmic, for each number of labelled pictures: a point for each way to come by a "
        "classifier, with its 95 % interval. All see the same labels, and all but the vote of nearest codes the same "
        "augmentation; all pre-training sees the training pictures without labels."
    )
    return Picture("label_efficiency", caption, png(label_efficiency(report)))


def tables(report: TransferReport, rates: Mapping[tuple[str, int], float]) -> tuple[Table, ...]:
    """Every error, with the rate that validation chose; every paired difference."""
    errors = tuple(
        (row.labels, row.initialisation, row.method, format_interval(row.error_percent), row.n,
         f"{rates[row.initialisation, row.labels]:g}" if (row.initialisation, row.labels) in rates else "")
        for row in report.rows
    )  # fmt: skip
    gains = tuple(
        (it.labels, it.initialisation, it.control, format_interval(it.gain_percent), it.n) for it in report.differences
    )
    return (
        Table("Test error in percent", ("labels", "initialisation", "method", "error, %", "values", "rate"), errors),
        Table(
            "Percentage points fewer errors, paired",
            ("labels", "fine-tuned from", "than", "points", "values"),
            gains,
        ),
    )


def by_training(scores: Sequence[Score], trainings: int) -> list[Score]:
    """One score of each cell, number of labels and training: the mean over the draws of labels that start from it.

    Two draws that start from the same training of an encoder are not independent, and an interval over draws would be
    too narrow. Controls without a training are averaged over the same draws, so that the scores stay pairs.

    Args:
        scores: One of each draw; draw d starts from training d modulo ``trainings``, which becomes the score's draw.
        trainings: How many there are.
    """
    shared: dict[tuple[int, str, int], list[Score]] = {}
    for score in scores:
        shared.setdefault((score.labels, score.initialisation, score.draw % trainings), []).append(score)
    return [
        found[0].model_copy(update={"draw": key[-1], "error_percent": fmean(each.error_percent for each in found)})
        for key, found in shared.items()
    ]


def by_draw(scores: Sequence[Score]) -> Table:
    """A row for each cell and number of labels, a column for each draw: what the means are made of."""
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
    """What was reached beside what was asked, and each difference, claimed or not: a note for each number of labels.

    Args:
        report: The errors.
        ours: The name of the cell that is compared with controls.
        asked: The errors in percent that were to be reached, by the number of labels.
    """
    for row in report.rows:
        if row.initialisation == ours:
            found = {it.control: it.gain_percent for it in report.differences if it.labels == row.labels}
            beside = fewer_errors_than(found)
            mean, wanted = row.error_percent.mean, asked.get(row.labels)
            yield (
                f"With {row.labels:,} labels, fine-tuned from {ours}: {mean:.2f} % errors"
                f"{_verdict(mean, wanted)}.{f' In percentage points: {beside}.' if beside else ''}"
            )


def _verdict(mean: float, wanted: float | None) -> str:
    if wanted is None:
        return ""
    return f" (at most {wanted:g} % were asked for: {'reached' if mean <= wanted else 'missed'})"
