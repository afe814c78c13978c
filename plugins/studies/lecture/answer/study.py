"""[answer] The lecture's answer to several possible originals: draw them, and check the draws."""

from collections.abc import Iterator

from daecore.evaluation import SamplingReport
from daecore.html import licence_rows
from daecore.study import Evaluated, Findings, Laboratory, Measured, Picture, Study, Table

from . import points

PROBLEMS = {
    "block-16": "a square of 16 x 16 pixels hidden",
    "block-10": "a square of 10 x 10 pixels hidden",
    "erasure-0.9": "90 % of the pixels erased",
    "blur-4": "blurred by 4 pixels",
    "half": "half resolution",
}
QUICK = ("training.epochs=20", "training.batch=64")
HEAD = ("measure", "measured", "exact", "passes", "floor", "verdict")


def run(lab: Laboratory) -> Findings:
    """Points, then digits under each corruption; where budgets are small only the largest square."""
    found = points.draw(lab)
    figures = {name: value for who, report in found.reports.items() for name, value in _figures(f"arc_{who}", report)}
    tables = [_table(f"Points on an arc, {who}", report) for who, report in found.reports.items()]
    pictures, notes = [found.picture], []
    for name in [next(iter(PROBLEMS))] if lab.quick else PROBLEMS:
        experiment = lab.experiment(f"lecture/answer-{name}", quick=QUICK)
        drawn, evaluated = lab.draw(experiment), lab.evaluate(experiment)
        figures |= dict(_figures(name, drawn.report)) | _restored(name, evaluated)
        tables.append(_table(f"Digits, {PROBLEMS[name]}", drawn.report))
        pictures += [Picture(f"answer-{name}", _caption(name), png) for png in drawn.pictures.values()]
        notes.append(_note(name, drawn.report))
    return Findings(figures=figures, pictures=tuple(pictures), tables=tuple(tables), notes=tuple(notes))


def _figures(name: str, report: SamplingReport) -> Iterator[tuple[str, Measured]]:
    for key, measure in report.measures.items():
        if measure.value is not None:
            yield f"{key}_{name}", Measured.of(measure.value)


def _restored(name: str, evaluated: Evaluated) -> dict[str, Measured]:
    restored = evaluated.report.restored_db
    return {} if restored is None else {f"restored_db_{name}": Measured(value=restored, unit="dB")}


def _table(title: str, report: SamplingReport) -> Table:
    rows = tuple(tuple(row) for row in licence_rows(report) if row[-1] != "not measured")
    return Table(f"{title}: {report.draws} samples of each of {report.pictures}", HEAD, rows)


def _caption(name: str) -> str:
    return (
        f"Test digits, {PROBLEMS[name]}: original, corrupted, the mean answer of one network, eight samples of the "
        "same network, and their standard deviation (white is 0.5)."
    )


def _note(name: str, report: SamplingReport) -> str:
    """What passed and what did not, in one sentence."""
    verdicts = {measure.name: measure.verdict for measure in report.measures.values()}
    wrong = [what for what, verdict in verdicts.items() if verdict in ("failed", "open")]
    passed = sum(verdict == "passed" for verdict in verdicts.values())
    end = f"; not passed: {', '.join(wrong)}." if wrong else ", none failed."
    return f"Digits, {PROBLEMS[name]}: {passed} measure{'s' * (passed != 1)} passed{end}"


STUDY = Study(
    id="answer",
    title="Drawing what could have been",
    description=(
        "Where several originals are possible the mean is a blur. Diffusion processes answer with many small "
        "denoising steps from noise. Here one network is both: asked without a state it restores, as every denoising "
        "autoencoder; asked along the way from noise it draws. Each figure stands beside what an exact sampler gives."
    ),
    recipes=(*(f"lecture/answer-{name}" for name in PROBLEMS), points.RECIPE, "lecture/gap"),
    run=run,
)
