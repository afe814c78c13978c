"""Transfer in full: classifiers from a denoising encoder beside every control, from ten labels to all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from daecore.data import ALL
from daecore.study import Findings, Laboratory, Study, Trained
from daecore.transfer import Cell, ClassifierOptions, Score, TransferReport, summarise

from .efficiency import by_draw, by_training, figures, notes, picture, tables
from .label_efficiency import BEHIND

OURS = "denoising"
CONTROLS = ("scratch", "random", "autoencoder", "l2")  # the stack is of another architecture
RECIPES = {OURS: "features/denoising", "autoencoder": "features/control", "l2": "features/l2"}
STACKED = "stacked/mnist"  # trained layer by layer, of another architecture: the study `stacked` has it, too
UNTRAINED = "untrained"
SOURCES = {**RECIPES, STACKED: STACKED, UNTRAINED: RECIPES["autoencoder"]}  # whose data and shape each encoder has
CELLS = (
    Cell(name="scratch", encoder=UNTRAINED, method="finetune"),
    Cell(name="random", encoder=UNTRAINED, method="probe"),
    *(Cell(name=name, encoder=name, method="finetune") for name in RECIPES),
    Cell(name="stacked", encoder=STACKED, method="finetune"),
    Cell(name=f"{OURS} probe", encoder=OURS, method="probe"),
    Cell(name=f"{OURS} knn", encoder=OURS, method="knn"),
)
SEEDS = tuple(range(10, 20))  # of the encoders; lower ones chose the corruption or were scored by earlier forms
FIRST_DRAW = 40  # of labels; lower ones were scored by earlier forms
ONCE = ("l2",)  # a second control: its luck is not worth the time
ASKED = {100: 10.0, 1000: 2.5}  # percent
# The same for every initialisation: digits are written slanted, off centre, large and with a trembling hand.
AUGMENT: tuple[dict[str, dict[str, object]], ...] = ({"affine": {}}, {"elastic": {"displacement": 1.0}})


@dataclass(frozen=True)
class Round:
    """A number of labels, 0 for all, with what is spent on it."""

    labels: int
    draws: int
    steps: int


LABEL_DRAWS = (Round(10, 10, 300), Round(100, 10, 500), Round(1000, 20, 800), Round(ALL, 3, 1720))
QUICK_LABEL_DRAWS = (Round(10, 2, 30), Round(100, 2, 60))
QUICK = ("training.epochs=2",)
VALIDATION_CHECKS = 5  # at validation in a training, at most: one an epoch
VALIDATION = 2000  # labelled pictures that choose, at most: of 5,000 every third


def run(lab: Laboratory) -> Findings:
    """Train the encoders, then every classifier of every number of labels and draw; each is a cached stage."""
    label_draws = QUICK_LABEL_DRAWS if lab.quick else LABEL_DRAWS
    seeds = SEEDS[: max(drawn.draws for drawn in label_draws)]
    models = encoders(lab, seeds)
    scores: list[Score] = []
    rates: dict[tuple[str, int], float] = {}
    for drawn in label_draws:
        for cell in CELLS:
            found = classify(lab, models.get(cell.encoder, ()), cell, drawn)
            scores += found
            if cell.method != "knn":
                rates[cell.name, found[0].labels] = found[0].choice
    report = beside_controls(by_training(scores, len(seeds)))
    return Findings(
        figures=dict(figures(report)),
        pictures=(picture(report),),
        tables=(*tables(report, rates), by_draw(scores)),
        notes=(*notes(report, OURS, {} if lab.quick else ASKED), *(() if lab.quick else BEHIND)),
    )


def encoders(lab: Laboratory, seeds: Sequence[int]) -> dict[str, tuple[Trained, ...]]:
    """The trainings of each encoder: one for each seed, or one."""
    found: dict[str, tuple[Trained, ...]] = {}
    for name, recipe in RECIPES.items():
        wanted = [lab.experiment(recipe, f"seed={seed}", quick=QUICK) for seed in seeds]
        found[name] = tuple(map(lab.train, wanted[:1] if name in ONCE else wanted))
    return {**found, STACKED: (lab.stack(lab.experiment(STACKED, quick=QUICK)).whole,)}


def beside_controls(scores: Sequence[Score]) -> TransferReport:
    """Every mean error, and the denoising encoder against those that it may be compared with."""
    report = summarise(scores, OURS)
    kept = tuple(item for item in report.differences if item.control in CONTROLS)
    return report.model_copy(update={"differences": kept})


def options(drawn: Round) -> ClassifierOptions:
    """How the classifiers of so many labels are trained, whatever their encoder."""
    chosen = {"steps": drawn.steps, "learning_rates": (7e-4, 2e-3), "probe_learning_rates": (3e-3, 1e-2)}
    return ClassifierOptions.model_validate(
        {**chosen, "validation_checks": VALIDATION_CHECKS, "validation": VALIDATION, "augment": AUGMENT}
    )


def classify(lab: Laboratory, models: Sequence[Trained], cell: Cell, drawn: Round) -> list[Score]:
    """A cell's scores over the draws of as many labels, its rate chosen beforehand.

    Args:
        lab: Where classifiers are trained.
        models: The trainings of the cell's encoder, which draws take in turns; none: first weights, anew for each draw.
        cell: The way to come by them.
        drawn: The number of labels and draws.
    """
    experiment = lab.experiment(SOURCES[cell.encoder], quick=QUICK)
    chosen = lab.choose(experiment, training_of(models, 0), cell.method, options(drawn), labels=drawn.labels)
    scores = []
    for draw in range(FIRST_DRAW, FIRST_DRAW + drawn.draws):
        model = training_of(models, draw)
        found = lab.classify(experiment, model, cell.method, chosen, labels=drawn.labels, draw=draw)
        score = Score(
            initialisation=cell.name, encoder=cell.encoder, method=cell.method, draw=draw,
            labels=drawn.labels or len(lab.splits(experiment).train),
            choice=found.learning_rate or found.neighbours or 0, error_percent=found.error_percent,
        )  # fmt: skip
        scores.append(score)
    return scores


def training_of(models: Sequence[Trained], draw: int) -> Trained | None:
    """The training whose encoder a draw of labels starts from, where there are any."""
    return models[draw % len(models)] if models else None


STUDY = Study(
    id="transfer",
    title="What few labels are worth",
    description=(
        "The encoder of a denoising autoencoder initialises a classifier: a classification layer is added on top and "
        "the whole is fine-tuned. Its worth is told beside a network that starts from scratch, a random one that "
        "stays as it is, a control without noise, one held by weight decay and a stack trained layer by layer, with as "
        "many labels for each."
    ),
    recipes=(*RECIPES.values(), STACKED),
    run=run,
    also=AUGMENT,
)
