"""Objectives: one tiny network under noise that was drawn once, taught with and without clean pictures.

Absolute error and emphasis stand beside squared error on erased digits, with a network that ends without a sigmoid:
absolute error left the tiny one black, as most pixels are.

Every row is evaluated on the very same noisy test digits, so that rows are compared image by image. One seed each: the
intervals speak of the images, not of luck in training.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from daecore import stream
from daecore.corruption import draw_pairs
from daecore.data import as_float
from daecore.experiment import Experiment
from daecore.model import restore
from daecore.plots import COLUMNS, panel, png
from daecore.stats import Interval, bootstrap, decibel, doubt, format_interval
from daecore.study import Evaluated, Findings, Laboratory, Measured, Picture, Study, Table

CLEAN, EMPHASISED = "lecture/tiny-clean", "lecture/emphasised"
SHORT = ("training.epochs=8", "training.batch=32")
QUICK = {CLEAN: SHORT, EMPHASISED: ("training.epochs=2", "training.batch=32")}
PUBLISHED, NEAR = 25.36, 0.2  # dB: Net-SURE's own figure, with clean targets and with SURE; what counts as near


@dataclass(frozen=True)
class Taught:
    """One way to teach the network.

    Attributes:
        name: As figures and pictures call it.
        sees: What its training looks at.
        recipe: What is trained.
        changes: What differs from the recipe.
        control: Whether it never sees a noisy picture, and is evaluated on them all the same.
    """

    name: str
    sees: str
    recipe: str
    changes: tuple[str, ...] = ()
    control: bool = False


TINY = (
    Taught("mse", "noisy picture and clean picture, squared error", CLEAN),
    Taught("noise2noise", "two noisy copies of each picture", "lecture/tiny-noise2noise"),
    Taught("sure", "one noisy copy of each picture", "lecture/tiny-sure"),
    Taught("noise2self", "one noisy copy of each picture", "lecture/tiny-noise2self"),
    Taught("weight_decay", "clean picture alone, weight decay", "lecture/tiny-control", control=True),
    Taught("control", "clean picture alone", "lecture/tiny-control", ("training.weight_decay=0",), control=True),
)
ERASED = (
    Taught("erasure_mse", "erased picture and clean picture, squared error", EMPHASISED, ("objective={mse: {}}",)),
    Taught("emphasised", "the same, erased pixels counting double", EMPHASISED),
    Taught("l1", "erased picture and clean picture, absolute error", "lecture/l1"),
)


def run(lab: Laboratory) -> Findings:
    """Teach the network in every way, and evaluate all on one set of noisy pictures; emphasis likewise, on erasure."""
    noisy, tiny = _evaluate(lab, TINY)
    erased, conv = _evaluate(lab, ERASED)
    return Findings(
        figures=dict(_figures(tiny)) | dict(_figures(conv)),
        pictures=(
            _picture(lab, "objectives", noisy, tiny, "under noise of sigma 50/255"),
            _picture(lab, "emphasis", erased, conv, "with half of the pixels erased"),
        ),
        tables=(_table("MNIST, sigma 50/255, the tiny network", TINY, tiny), _table("Erasure 0.5", ERASED, conv)),
        notes=tuple(_notes(tiny, conv)),
    )


def pool(mse: NDArray[np.float32]) -> Interval:
    """PSNR of one squared error over the whole set, in dB; the interval is the mean error's, turned into dB.

    Args:
        mse: ``(N,)``, each image's.
    """
    error = bootstrap(mse, generator=stream(0, "bootstrap", "pooled"))
    mean, low, high = decibel(torch.tensor([error.mean, error.high, error.low])).tolist()
    return Interval(mean=mean, low=low, high=high, n=error.n)


def difference(evaluated: Evaluated, other: Evaluated) -> Interval:
    """By how many dB one restores better than another, paired over the same images of one set of pairs."""
    if evaluated.digest != other.digest:
        raise ValueError("only scores of the very same corrupted images can be paired")
    lead = evaluated.scores["psnr_db"] - other.scores["psnr_db"]
    return bootstrap(lead, generator=stream(0, "bootstrap", "objectives"))


def _evaluate(lab: Laboratory, rows: Sequence[Taught]) -> tuple[Experiment, dict[str, Evaluated]]:
    """The first row's experiment, and all rows by name, evaluated on its pairs."""
    quick = QUICK[rows[0].recipe]
    experiments = {row.name: lab.experiment(row.recipe, *row.changes, quick=quick) for row in rows}
    first = experiments[rows[0].name]
    return first, {name: lab.evaluate(first, lab.train(experiment)) for name, experiment in experiments.items()}


def _figures(rows: Mapping[str, Evaluated]) -> Iterator[tuple[str, Measured]]:
    """Per row: pooled and per-image dB, the difference from the first row, the seconds of its training."""
    reference = next(iter(rows))
    for name, evaluated in rows.items():
        yield f"pooled_db.{name}", Measured.of(pool(evaluated.scores["mse"]), "dB")
        yield f"psnr_db.{name}", Measured.of(_mean(evaluated), "dB")
        yield f"seconds.{name}", Measured(value=evaluated.trained.seconds, unit="s")
        if name != reference:
            yield f"difference_db.{name}", Measured.of(difference(evaluated, rows[reference]), "dB")


def _mean(evaluated: Evaluated) -> Interval:
    return bootstrap(evaluated.scores["psnr_db"], generator=stream(0, "bootstrap", "mean"))


def _table(title: str, taught: Sequence[Taught], rows: Mapping[str, Evaluated]) -> Table:
    """A line per way of teaching, and the corrupted pictures as they came."""
    first = rows[taught[0].name]
    head = ("objective", "what training looks at", "pooled dB", "dB an image", "difference, dB an image", "seconds")
    lines = [("nothing restored", "", "", f"{first.scores['corrupted_db'].mean():.2f}", "", "")]
    for row in taught:
        evaluated = rows[row.name]
        lead = "" if evaluated is first else format_interval(difference(evaluated, first), "+.2f")
        cells = (
            format_interval(pool(evaluated.scores["mse"])),
            format_interval(_mean(evaluated)),
            lead,
            f"{evaluated.trained.seconds:.0f}",
        )
        lines.append((row.name.replace("_", " "), row.sees, *cells))
    return Table(title, head, tuple(lines))


def _picture(lab: Laboratory, name: str, shown: Experiment, rows: Mapping[str, Evaluated], how: str) -> Picture:
    """Twelve test digits: original, corrupted, and what each network makes of them."""
    pairs = draw_pairs(lab.splits(shown).test[0], shown.corruptor, COLUMNS)
    images = {"original": as_float(pairs.clean.data), "corrupted": pairs.corrupted}
    images |= {
        row.replace("_", " "): restore(evaluated.trained.network, pairs.corrupted) for row, evaluated in rows.items()
    }
    said = f"The first {COLUMNS} test digits {how}: original, corrupted, and a row per objective."
    return Picture(name, said, png(panel(images)))


def _notes(tiny: Mapping[str, Evaluated], conv: Mapping[str, Evaluated]) -> Iterator[str]:
    clean, sure = tiny["mse"], difference(tiny["sure"], tiny["mse"])
    within = "within" if min(sure.low, -sure.high) > -NEAR else "not surely within"
    yield (
        f"With clean targets the tiny network reaches {pool(clean.scores['mse']).mean:.2f} dB pooled after "
        f"{clean.trained.seconds:.0f} s of training; {PUBLISHED} dB is the published figure."
    )
    lag = format_interval(sure, "+.2f")
    yield f"SURE, without clean pictures, beside clean targets: {lag} dB, {within} {NEAR} dB of them."
    for name in ("noise2noise", "noise2self", "control", "weight_decay"):
        lead = difference(tiny[name], clean)
        yield f"{name.replace('_', ' ')} beside clean targets: {format_interval(lead, '+.2f')} dB{doubt(lead)}."
    decay = difference(tiny["weight_decay"], tiny["control"])
    yield f"Weight decay beside none, in the control: {format_interval(decay, '+.2f')} dB{doubt(decay)}."
    for name, said in (
        ("emphasised", "Emphasis on erased pixels beside none"),
        ("l1", "Absolute beside squared error"),
    ):
        lead = difference(conv[name], conv["erasure_mse"])
        yield f"{said}, under erasure: {format_interval(lead, '+.2f')} dB{doubt(lead)}."
    yield "One seed each: these intervals are over test images and say nothing of luck in training."


STUDY = Study(
    id="objectives",
    title="Objectives, with and without clean pictures",
    description=(
        "Squared error to the clean picture is not the only way to learn denoising. A second noisy copy can stand in "
        "for the clean one; where there is a single noisy copy, Stein's estimate of the risk or the foretelling of "
        "hidden pixels still teaches. Plain weight decay, the control, regularises without ever seeing noise."
    ),
    recipes=(*dict.fromkeys(row.recipe for row in (*TINY, *ERASED)),),
    run=run,
)
