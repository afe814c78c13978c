"""Super-resolution: the lecture's upscaler on digits of half the resolution, beside four interpolations."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from daecore import stream
from daecore.corruption import draw_pairs
from daecore.data import INTERPOLATIONS, Pairs, as_float, interpolate
from daecore.model import restore
from daecore.plots import COLUMNS, panel, png
from daecore.stats import Interval, bootstrap, format_gain_db, in_db, psnr
from daecore.study import Evaluated, Findings, Laboratory, Measured, Picture, Study, Table

RECIPE = "lecture/superres"
QUICK = ("training.epochs=3", "training.batch=16")
SIZE = 1000  # images enlarged at once
Scores = Mapping[str, NDArray[np.float32]]


def run(lab: Laboratory) -> Findings:
    """Train the upscaler, and enlarge the same test images by it and by every interpolation."""
    experiment = lab.experiment(RECIPE, quick=QUICK)
    evaluated = lab.evaluate(experiment)
    pairs = draw_pairs(lab.splits(experiment).test[0], experiment.corruptor)
    scores = {"upscaler": evaluated.scores["psnr_db"], **interpolate_all(pairs)}
    return Findings(
        figures=dict(figures(scores)) | {"gain_db": Measured.of(in_db(evaluated.report.gain_db), "dB")},
        pictures=(_picture(evaluated, pairs),),
        tables=(_table(scores, evaluated),),
        notes=tuple(_notes(scores, evaluated)),
    )


def interpolate_all(pairs: Pairs) -> dict[str, NDArray[np.float32]]:
    """PSNR of every test image, enlarged by every interpolation, ``(N,)`` each."""
    height, width = pairs.clean.shape[-2:]
    parts = torch.arange(len(pairs)).split(SIZE)
    return {
        method: torch.cat(
            [
                psnr(interpolate(pairs.corrupted[some], (height, width), method), as_float(pairs.clean.data[some]))
                for some in parts
            ]
        ).numpy()
        for method in INTERPOLATIONS
    }


def figures(scores: Scores) -> Iterator[tuple[str, Measured]]:
    """Each way's mean, and the upscaler's lead over each interpolation, paired over images."""
    for name, values in scores.items():
        yield f"{name}_db", Measured.of(_interval(values), "dB")
    for method in INTERPOLATIONS:
        yield f"gain_over_{method}_db", Measured.of(_lead(scores, method), "dB")


def _lead(scores: Scores, method: str) -> Interval:
    return _interval(scores["upscaler"] - scores[method])


def _interval(values: NDArray[np.float32]) -> Interval:
    return bootstrap(values, generator=stream(0, "bootstrap", "superres"))


def _picture(evaluated: Evaluated, pairs: Pairs) -> Picture:
    clean, small = as_float(pairs.clean.data[:COLUMNS]), pairs.corrupted[:COLUMNS]
    rows = {
        "original": clean,
        "input": small,
        "bilinear": interpolate(small, (clean.shape[-2], clean.shape[-1]), "bilinear"),
        "autoencoder": restore(evaluated.trained.network, small),
    }
    caption = (
        f"The first {COLUMNS} test digits: original, input of half the resolution, bilinear interpolation, and the "
        "autoencoder's output."
    )
    return Picture("superres", caption, png(panel(rows)))


def _table(scores: Scores, evaluated: Evaluated) -> Table:
    rows = {name: (float(values.mean()), "") for name, values in scores.items()}
    rows |= {method: (rows[method][0], str(_lead(scores, method))) for method in INTERPOLATIONS}
    for name, baseline in evaluated.report.baselines.items():
        rows.setdefault(f"baseline: {name.replace('_', ' ')}", (in_db(baseline.db), ""))
    ordered = sorted(rows.items(), key=lambda item: -item[1][0])
    head = ("enlarged by", "dB", "the upscaler's lead, dB [95 %]")
    return Table(
        "Mean PSNR of a test image at full resolution", head, tuple((n, f"{db:.2f}", lead) for n, (db, lead) in ordered)
    )


def _notes(scores: Scores, evaluated: Evaluated) -> Iterator[str]:
    best = max(INTERPOLATIONS, key=lambda method: scores[method].mean())
    lead, gain = _lead(scores, best), in_db(evaluated.report.gain_db)
    yield f"Over the best interpolation, {best}: {format_gain_db(lead)}."
    yield f"Over the best baseline, {evaluated.report.best_baseline.name.replace('_', ' ')}: {format_gain_db(gain)}."


STUDY = Study(
    id="superres",
    title="Super-resolution",
    description=(
        "Making a picture smaller is a corruption too, and undoing it is super-resolution. The encoder takes pictures "
        "averaged over squares of two by two pixels, the decoder gives them back at full size, and the loss is the "
        "squared error to the original."
    ),
    recipes=(RECIPE,),
    run=run,
)
