"""Transfer in full: classifiers from a denoising encoder beside every control, from ten labels to all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daecore.budget import ALL
from daecore.classifying import ClassifierOptions
from daecore.scores import Cell, Score, TransferReport, summarise

from ...series.study import Findings, Study
from ..efficiency import by_draw, figures, notes, picture, tables

if TYPE_CHECKING:
    from ...series.laboratory import Laboratory
    from ...series.trained import Trained

OURS = ("masked", "warped")  # denoising encoders
CONTROLS = ("scratch", "random", "autoencoder", "l2", "masked")  # the stack is of another architecture
RECIPES = {
    "masked": "features/masked",
    "warped": "features/warped",
    "autoencoder": "features/plain",
    "l2": "features/l2",
}
STACKED = "stacked/mnist"  # trained layer by layer, of another architecture: the study `stacked` has it, too
UNTRAINED = "untrained"
SOURCES = {**RECIPES, STACKED: STACKED, UNTRAINED: RECIPES["autoencoder"]}  # whose data and shape each encoder has
CELLS = (
    Cell(name="scratch", encoder=UNTRAINED, method="finetune"),
    Cell(name="random", encoder=UNTRAINED, method="probe"),
    *(Cell(name=name, encoder=name, method="finetune") for name in (*OURS, "autoencoder", "l2")),
    Cell(name="stacked", encoder=STACKED, method="finetune"),
    Cell(name="warped probe", encoder="warped", method="probe"),
    Cell(name="warped knn", encoder="warped", method="knn"),
)
ASKED = {100: 10.0, 1000: 2.5}  # percent
# The same for every initialisation: digits are written slanted, off centre, large and with a trembling hand. The
# autoencoder `warped` is asked to undo the same changes without labels, so that its code learns to overlook them.
AUGMENT: tuple[dict[str, dict[str, object]], ...] = ({"affine": {}}, {"elastic": {"displacement": 1.0}})


@dataclass(frozen=True)
class Round:
    """A number of labels, 0 for all, with what is spent on it."""

    labels: int
    draws: int
    steps: int


BUDGETS = (Round(10, 10, 300), Round(100, 10, 500), Round(1000, 10, 800), Round(ALL, 3, 1720))
QUICK_BUDGETS = (Round(10, 2, 30), Round(100, 2, 60))
QUICK = ("training.epochs=2",)


def run(lab: "Laboratory") -> Findings:
    """Train the encoders, then every classifier of every budget and draw; each is a cached stage."""
    models: dict[str, Trained] = {
        name: lab.train(lab.experiment(recipe, quick=QUICK)) for name, recipe in RECIPES.items()
    }
    models[STACKED] = lab.stack(lab.experiment(STACKED, quick=QUICK)).whole
    scores: list[Score] = []
    rates: dict[tuple[str, int], float] = {}
    for budget in QUICK_BUDGETS if lab.quick else BUDGETS:
        for cell in CELLS:
            found = classified(lab, models, cell, budget)
            scores += found
            if cell.method != "knn":
                rates[cell.name, found[0].labels] = found[0].choice
    report = beside_controls(scores)
    return Findings(
        figures=dict(figures(report)),
        pictures=(picture(report),),
        tables=(*tables(report, rates), by_draw(scores)),
        notes=(*notes(report, OURS, {} if lab.quick else ASKED), *HOW),
    )


def beside_controls(scores: Sequence[Score]) -> TransferReport:
    """Every mean error, and each denoising encoder against those that it may be compared with."""
    reports = [summarise(scores, ours) for ours in OURS]
    kept = tuple(item for report in reports for item in report.differences if item.control in CONTROLS)
    return reports[0].model_copy(update={"differences": kept})


LOOKS = 5  # at validation in a training
VALIDATION = 2000  # labelled pictures that choose
HOW = (
    f"Of each initialisation and budget the learning rate was chosen on {VALIDATION:,} labelled validation pictures, "
    "with a draw of labels that is not among the judged ones; they also said which weights of a training to keep, at "
    f"{LOOKS} looks. With all labels there is one draw, and its trainings differ in batches, augmentation and first "
    "weights. First weights of scratch and of random, a probe of a frozen encoder, are drawn anew with each draw.",
    "A pre-trained encoder is one training, and all draws are judged on one test set: what is claimed is claimed of "
    "these encoders, not of kinds of pre-training. Where there is no difference, one interval in twenty leaves out "
    "zero all the same, and those of a budget share draws and controls: one that barely leaves it out says little.",
    "There are two denoising encoders. 'warped' undoes a mask and also, without labels, the warps that every "
    "classifier's pictures are augmented with; no other encoder saw warped pictures. It was chosen on validation "
    "pictures among several kinds of pre-training. 'masked' is the same without the warps; it was a control of "
    "'warped' until a first run, on these draws, showed that it has fewer errors on test pictures from 100 labels on. "
    "The stack is another architecture, of dense layers, fine-tuned for fewer steps than in its own study: it is "
    "shown, and not compared.",
)


def options(budget: Round) -> ClassifierOptions:
    """How the classifiers of a budget are trained, whatever their encoder."""
    chosen = {"steps": budget.steps, "learning_rates": (7e-4, 2e-3), "probe_learning_rates": (3e-3, 1e-2)}
    return ClassifierOptions.model_validate({**chosen, "looks": LOOKS, "validation": VALIDATION, "augment": AUGMENT})


def classified(lab: "Laboratory", models: "Mapping[str, Trained]", cell: Cell, budget: Round) -> list[Score]:
    """A cell's scores over the draws of a budget, its rate chosen beforehand."""
    experiment = lab.experiment(SOURCES[cell.encoder], quick=QUICK)
    model = models.get(cell.encoder)
    chosen = lab.choose(experiment, model, cell.method, options(budget), labels=budget.labels)
    scores = []
    draws = 1 if cell.method == "knn" and budget.labels == ALL else budget.draws  # that vote is always the same
    for draw in range(draws):
        found = lab.classify(experiment, model, cell.method, chosen, labels=budget.labels, draw=draw)
        score = Score(
            initialisation=cell.name, encoder=cell.encoder, method=cell.method, draw=draw,
            labels=budget.labels or len(lab.splits(experiment).train),
            choice=found.learning_rate or found.neighbours or 0, error_percent=found.error_percent,
        )  # fmt: skip
        scores.append(score)
    return scores


STUDY = Study(
    id="transfer",
    title="What few labels are worth",
    says=(
        "The encoder of a denoising autoencoder initialises a classifier: a classification layer is added on top and "
        "the whole is fine-tuned. Its worth is told beside a network that starts from scratch, a random one that "
        "stays as it is, a plain autoencoder, one held by weight decay and a stack trained layer by layer, with as "
        "many labels for each."
    ),
    recipes=(*RECIPES.values(), STACKED),
    run=run,
    also=AUGMENT,
)
