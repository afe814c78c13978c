"""Filters: what a first layer looks for, taught by weight decay or by denoising (Vincent et al. 2010, section 5.1)."""

from collections.abc import Mapping, Sequence

from daecore.experiment import Experiment
from daecore.plots import filter_sheets, png, spreads
from daecore.plugin import DatasetSpec
from daecore.study import Findings, Laboratory, Measured, Picture, Study

from .report import figures, growth, means, notes, table
from .scores import CONTROL, DECAY, NAMES, Sheet, Sheets, Taught, best_of, mean, noise

GAUSSIAN, DIGITS = "lecture/filters", "lecture/filters-digits"
SCORING = (1, 2, 3, 4, 5)  # seeds; 0 chooses
FEW = "dataset.patches.count=5000"
QUICK = {
    GAUSSIAN: (FEW, "training.batch=32", "training.epochs=20"),
    DIGITS: (FEW, "training.epochs=10"),
}


def _family(
    family: str, words: str, recipe: str, change: str, strengths: Sequence[float], quick: Sequence[float]
) -> tuple[Taught, ...]:
    """A way of teaching at every strength; ``change`` and ``words`` have a place for it."""
    return tuple(
        Taught(f"{family}-{it:g}", words.format(it), family, f"lecture/{recipe}", (change.format(it),), it in quick)
        for it in strengths
    )


ERASED = "corruptions=[{{erasure: {{p: {}}}}}]"
REPLACED = "corruptions=[{{salt_pepper: {{p: {}, low: -3, high: 3}}}}]"
PHOTOGRAPHS = (
    Taught(CONTROL, "nothing (control)", CONTROL, "lecture/filters-weight-decay", ("objective={mse: {}}",)),
    *_family(
        DECAY,
        "weight decay {:g}",
        "filters-weight-decay",
        "objective={{weight_decay: {{strength: {}}}}}",
        (3e-3, 4e-3, 5e-3),
        (3e-3,),
    ),
    *_family(
        "gaussian",
        "Gaussian noise {:g}",
        "filters",
        "corruptions=[{{gaussian_noise: {{sigma: {}}}}}]",
        (0.5, 1.0, 1.5),
        (1.5,),
    ),
    *_family("salt_pepper", "salt and pepper {:.0%}", "filters-salt-pepper", REPLACED, (0.1, 0.4), (0.4,)),
    *_family("masking", "masking {:.0%}", "filters-masking", ERASED, (0.5, 0.75), (0.75,)),
)
MASKED = _family("digits", "masking {:.0%}", "filters-digits", ERASED, (0.0, 0.25, 0.5), (0.0, 0.5))


def run(lab: Laboratory) -> Findings:
    """Teach one layer in every way on photographs; score the best of them with other seeds; then digits."""
    rows, masked = _rows(lab, PHOTOGRAPHS), _rows(lab, MASKED)
    first = _sheets_of(lab, [(row, 0) for row in (*rows, *masked)])
    sheets, digits = ({row.name: first[row.name] for row in some} for some in (rows, masked))
    best = best_of(rows, sheets)
    more = _sheets_of(lab, [(row, seed) for row in best.scored for seed in SCORING if not lab.quick])
    sheets = {name: found + more.get(name, []) for name, found in sheets.items()}
    floor = noise(*sheets[best.ours.name][0].filters.shape[:2])
    words = {row.name: row.words for row in (*PHOTOGRAPHS, *MASKED)}
    baseline = {f"{score}.noise": Measured.of(mean([floor], score)) for score in NAMES}
    shown = [row.name for row in best.of.values()]
    return Findings(
        figures=dict(figures(sheets, best)) | dict(means(digits)) | baseline,
        pictures=(
            _sheets("filters", shown, sheets, words, "patches of photographs, whitened"),
            _spread(sheets, words, floor),
            _sheets("filters-digits", list(digits), digits, words, "patches of digits"),
        ),
        tables=(table("Photographs", words, sheets), table("Digits", words, digits)),
        notes=(_source(lab), *notes(sheets, best, floor), growth(digits, MASKED[0].name, MASKED[-1].name)),
    )


def _rows(lab: Laboratory, rows: Sequence[Taught]) -> list[Taught]:
    """All of them, or those for small budgets."""
    return [row for row in rows if row.quick or not lab.quick]


def _sheets_of(lab: Laboratory, wanted: Sequence[tuple[Taught, int]]) -> dict[str, list[Sheet]]:
    """The filters of each row with each seed, by the row's name, in this order; scored while others train."""
    trained = lab.train_all([_experiment(lab, *each) for each in wanted])
    found: dict[str, list[Sheet]] = {row.name: [] for row, _ in wanted}
    for (row, _), each in zip(wanted, trained, strict=True):
        sheet = Sheet.of(each.network.encoder)
        found[row.name].append(sheet)
        _ = sheet.scores  # kept with the sheet
    return found


def _experiment(lab: Laboratory, row: Taught, seed: int) -> Experiment:
    quick = QUICK[DIGITS if row.recipe == DIGITS else GAUSSIAN]
    return lab.experiment(row.recipe, *row.changes, f"seed={seed}", quick=quick)


def _sheets(name: str, shown: Sequence[str], sheets: Sheets, words: Mapping[str, str], what: str) -> Picture:
    caption = (
        f"Filters of the first layer, learnt from {what}: a sheet per way of teaching, the best Gabor fit first, each "
        "filter in a scale of its own around its mean (grey); grey all over are dead units."
    )
    titles = {f"{words[it]}: R² {mean(sheets[it][:1], 'r2').mean:.2f}": sheets[it][0].best_first for it in shown}
    return Picture(name, caption, png(filter_sheets(titles)))


def _spread(sheets: Sheets, words: Mapping[str, str], floor: Sheet) -> Picture:
    shown = ("r2", "selectivity")
    charts = {NAMES[it]: {words[name]: some[0].scores[it] for name, some in sheets.items()} for it in shown}
    nothing = {NAMES[it]: {"filters of random numbers": float(floor.scores[it].mean())} for it in shown}
    caption = (
        "Both scores of every filter (a dot), first seed: the box holds the middle half, its line is the median, the "
        "whiskers leave out a twentieth on either side. The dashed line is the mean over filters of random numbers."
    )
    return Picture("filter-scores", caption, png(spreads(charts, nothing)))


def _source(lab: Laboratory) -> str:
    """Which photographs the patches were cut from."""
    data: DatasetSpec = lab.experiment(GAUSSIAN).dataset
    fingerprint = data.extension.fingerprint
    said = fingerprint(data.options).splitlines()[0] if fingerprint else "unknown"
    return f"Photographs: {said}. Noise is in standard deviations of the whitened patches."


STUDY = Study(
    id="filters",
    title="Filters: weight decay and denoising",
    description=(
        "Regularising an autoencoder by small weights is one thing, denoising another. On small patches of "
        "photographs, the lecture says, the units of a denoising autoencoder come to look for edges, each in "
        "its place and direction, and those of one with weight decay do not; on digits, the more is masked, the "
        "coarser the grain of the filters. Two scores of every filter say how far that is so."
    ),
    recipes=(*dict.fromkeys(row.recipe for row in (*PHOTOGRAPHS, *MASKED)),),
    run=run,
)
