"""The frontier: which noise denoises best and which teaches best, over kinds and strengths of corruption."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scipy.stats import spearmanr

from daecore.plots import Point, png, scatter
from daecore.stats import Interval, fewer_errors, format_interval, in_db, student
from daecore.study import Findings, Laboratory, Measured, Picture, Study, Table, Trained
from daecore.transfer import ClassifierOptions, PretrainedEncoder, Task

RECIPE = "features/frontier"
KINDS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "erasure": ("p", (0.25, 0.5, 0.9)),
    "gaussian_noise": ("sigma", (0.25, 0.5, 1.0)),
    "block_mask": ("size", (8, 16, 20)),
    "blur": ("sigma", (1, 2, 4)),
}
QUICK_KINDS = {name: (KINDS[name][0], KINDS[name][1][1:2]) for name in ("erasure", "block_mask")}
QUICK = ("training.epochs=2",)
CONTROL = "control"
LABELS, DRAWS, STEPS = 1000, 10, 600


@dataclass(frozen=True)
class Noise:
    """What a kind and strength of corruption gave.

    Attributes:
        kind: The corruption.
        strength: Its strength.
        gain_db: What the network restores beyond the best of the methods that need no network, paired over images.
        errors: Of a linear layer on the code of clean pictures, in percent, a draw of labels each.
    """

    kind: str
    strength: float
    gain_db: Interval
    errors: tuple[float, ...]

    @property
    def name(self) -> str:
        """As ``block_mask-16``."""
        return f"{self.kind}-{self.strength:g}"

    @property
    def error_percent(self) -> Interval:
        """The mean error with its interval over draws."""
        return student(self.errors)


def run(lab: Laboratory) -> Findings:
    """Train a network for each kind and strength, evaluate its restoration, and probe its code."""
    found = [
        _noise(lab, kind, option, strength)
        for kind, (option, strengths) in (QUICK_KINDS if lab.quick else KINDS).items()
        for strength in strengths
    ]
    control = _probe(lab, lab.train(lab.experiment(RECIPE, "corruptions=[]", quick=QUICK)))
    return Findings(
        figures=dict(figures(found, control)),
        pictures=(_picture(found, control),),
        tables=(_table(found, control),),
        notes=tuple(notes(found, control)),
    )


def figures(found: list[Noise], control: tuple[float, ...]) -> Iterator[tuple[str, Measured]]:
    """The numbers by name: ``gain_db.erasure-0.5``, ``probe_error_percent.erasure-0.5``, what the probe gains."""
    yield "probe_error_percent.control", Measured.of(student(control), "%")
    for noise in found:
        yield f"gain_db.{noise.name}", Measured.of(noise.gain_db, "dB")
        yield f"probe_error_percent.{noise.name}", Measured.of(noise.error_percent, "%")
        yield f"probe_gain_percent.{noise.name}", Measured.of(_fewer(control, noise.errors), "percentage points")
    if len(found) > 2:
        yield "rank_correlation", Measured(value=correlation(found), n=len(found))


def correlation(found: list[Noise]) -> float:
    """Spearman's, of restoration gain and probe error: -1 where what denoises best also teaches best."""
    gains, errors = [noise.gain_db.mean for noise in found], [noise.error_percent.mean for noise in found]
    return float(spearmanr(gains, errors).statistic)


def notes(found: list[Noise], control: tuple[float, ...]) -> Iterator[str]:
    """Which noise was first in what, and what of it can be claimed."""
    restores = max(found, key=lambda noise: noise.gain_db.mean)
    teaches = min(found, key=lambda noise: noise.error_percent.mean)
    yield (
        f"The largest restoration gain has {restores.name}, {format_interval(restores.gain_db)} dB; "
        f"the lowest probe error has {teaches.name}, {format_interval(teaches.error_percent)} %. They are the first of "
        f"{len(found)}, and the first of many flatters itself."
    )
    if restores is not teaches:
        yield f"{teaches.name} beside {restores.name}: {fewer_errors(_fewer(restores.errors, teaches.errors))}."
    better = [noise.name for noise in found if _fewer(control, noise.errors).low > 0]
    worse = [noise.name for noise in found if _fewer(control, noise.errors).high < 0]
    yield (
        f"Beside the control, with intervals that leave out zero: fewer errors from {_list(better)}; more "
        f"errors from {_list(worse)}. Where there is no difference, one interval in twenty leaves out zero all the "
        "same."
    )
    if len(found) > 2:
        yield (
            f"Rank correlation of restoration gain and probe error over {len(found)} corruptions: "
            f"{correlation(found):+.2f}. Minus one would say that what denoises best also teaches best. Each network "
            f"was trained once: the intervals leave out luck in its training. Probes have {STEPS} steps at one rate."
        )


def _noise(lab: Laboratory, kind: str, option: str, strength: float) -> Noise:
    experiment = lab.experiment(RECIPE, f"corruptions=[{{{kind}: {{{option}: {strength:g}}}}}]", quick=QUICK)
    evaluated = lab.evaluate(experiment)
    return Noise(kind, strength, in_db(evaluated.report.gain_db), _probe(lab, evaluated.trained))


def _probe(lab: Laboratory, trained: Trained) -> tuple[float, ...]:
    """The probe's test errors; the encoder sees each picture once for all draws."""
    splits, options = lab.splits(lab.experiment(RECIPE, quick=QUICK)), ClassifierOptions(steps=STEPS)
    task = Task(splits, options, trained.input_shape, 0, "float32")
    frozen = PretrainedEncoder(lambda: trained.network.encoder, task)
    rates = options.probe_learning_rates
    return tuple(frozen.fit("probe", LABELS, draw, rates, validation_checks=0).test_error() for draw in range(DRAWS))


def _picture(found: list[Noise], control: tuple[float, ...]) -> Picture:
    series: dict[str, list[Point]] = {}
    for noise in found:
        series.setdefault(noise.kind, []).append(Point(f"{noise.strength:g}", noise.gain_db, noise.error_percent))
    caption = (
        "What a network restores, in dB beyond the best method that needs no network, against the error of a linear "
        f"layer on its code of clean pictures, with {LABELS:,} labels. A point for each strength, joined within a kind "
        "of corruption; crosses are 95 % intervals, over images and over draws of labels. Right is better at "
        "restoring, down is better at teaching."
    )
    figure = scatter(
        series, "restoration gain over the best baseline, dB", "probe error, percent", {CONTROL: student(control).mean}
    )
    return Picture("frontier", caption, png(figure))


def _table(found: list[Noise], control: tuple[float, ...]) -> Table:
    head = ("corruption", "strength", "restoration gain, dB", "probe error, %", "points fewer than the control")
    rows = [
        (noise.kind, f"{noise.strength:g}", format_interval(noise.gain_db), format_interval(noise.error_percent),
         format_interval(_fewer(control, noise.errors)))
        for noise in found
    ]  # fmt: skip
    title = f"Restoring (intervals over test images) and teaching (over {len(control)} draws of labels)"
    return Table(title, head, (*rows, ("none", "", "", format_interval(student(control)), "")))


def _fewer(control: tuple[float, ...], ours: tuple[float, ...]) -> Interval:
    """How many percentage points fewer errors ours are, paired over draws of labels."""
    return student([before - after for before, after in zip(control, ours, strict=True)])


def _list(names: list[str]) -> str:
    return ", ".join(names) or "none"


STUDY = Study(
    id="frontier",
    title="Which noise denoises best, which teaches best",
    description=(
        "Denoising is asked for two things at once: pictures restored, and features for a classifier. The noise that "
        "serves the one need not serve the other. Kinds and strengths of corruption are put on a plane of both, each "
        "network with the same budget."
    ),
    recipes=(RECIPE,),
    run=run,
    also=tuple({kind: {option: strengths[0]}} for kind, (option, strengths) in KINDS.items()),
)
