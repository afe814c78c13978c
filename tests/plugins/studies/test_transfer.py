"""The studies of what denoising teaches: numbers of the scores, and no claim without an interval."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from daecore_flows.stages import classifier
from daecore_flows.stages.classifier import ClassifierAsk, ClassifierRequest, classifier_request, train_classifier
from daecore_flows.stages.dataset import dataset_request, load_dataset
from daecore_flows.stages.transfer import transfer as transfer_stage
from daecore_flows.store import recipes
from daecore_flows.store.store import Store
from daecore_flows.studies import conduct
from daecore_plugins.studies.features import SERIES, frontier
from daecore_plugins.studies.features.stacked import study as stacked
from daecore_plugins.studies.features.transfer import efficiency
from daecore_plugins.studies.features.transfer import study as transfer
from daecore_plugins.studies.features.transfer.label_efficiency import BEHIND

from daecore.data.label_draws import ALL, CHOICE
from daecore.experiment.experiment import parse, read
from daecore.experiment.feasibility import check
from daecore.experiment.provenance import provenance
from daecore.plugin.spec import spec
from daecore.stats.intervals import Interval, student
from daecore.study import find_study
from daecore.transfer.scores import Classified, Score, summarise
from daecore.transfer.task import ClassifierOptions

EXPERIMENT = parse({"dataset": "digits", "architecture": {"conv": {"code": 16}}, "training": {"threads": 1}})


def scores(errors: dict[str, tuple[float, ...]], labels: int = 100) -> list[Score]:
    return [
        Score(initialisation=name, encoder=name, method="finetune", labels=labels, draw=draw, choice=1e-3,
              error_percent=error)
        for name, found in errors.items()
        for draw, error in enumerate(found)
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["transfer", "frontier"])
def test_a_study_says_what_it_is_and_its_recipes_fit_together(name: str) -> None:
    """And train no classifiers of the pipeline's own; the stack is another study's, too."""
    found = find_study(SERIES, name)
    assert found.id == name
    assert len(found.description) > 80
    for recipe in found.recipes:
        experiment = parse(read(recipes.find(recipe)))
        check(experiment)
        assert experiment.transfer is None or recipe == transfer.STACKED


def test_the_encoders_differ_in_what_they_were_taught_alone() -> None:
    """One architecture, one budget: the corruption or the weight decay is all that differs."""
    found = {name: parse(read(recipes.find(recipe))) for name, recipe in transfer.RECIPES.items()}
    plain = found.pop("autoencoder")
    for other in found.values():
        assert other.model_copy(update={"corruptions": plain.corruptions, "objective": plain.objective}) == plain
    assert found["l2"].objective.name == "weight_decay"
    assert not found["l2"].corruptions
    assert found[transfer.OURS].corruptions
    assert found[transfer.OURS].objective == plain.objective


def test_the_augmentation_is_one_for_all_and_keeps_the_shape() -> None:
    """Slants and shifts leave a digit's picture as large as it was."""
    for drawn in transfer.LABEL_DRAWS:
        assert transfer.options(drawn).augmentation.output_shape((1, 28, 28)) == (1, 28, 28)
    assert len({str(transfer.options(drawn).augmentation) for drawn in transfer.LABEL_DRAWS}) == 1


def test_figures_are_the_errors_and_what_was_saved() -> None:
    """Means and paired differences by name."""
    report = summarise(scores({"scratch": (9, 11), "denoising": (7, 8)}), "denoising")
    found = dict(efficiency.figures(report))
    assert found["error_percent.scratch.100"].value == 10
    assert found["gain_percent.denoising.scratch.100"].value == 2.5
    assert found["gain_percent.denoising.scratch.100"].low == pytest.approx(student([2.0, 3.0]).low)


def test_what_was_asked_is_told_as_reached_or_missed() -> None:
    report = summarise(scores({"scratch": (9, 11), "denoising": (7, 8)}), "denoising")
    assert "reached" in next(efficiency.notes(report, "denoising", {100: 7.5}))
    assert "missed" in next(efficiency.notes(report, "denoising", {100: 7.4}))


def test_a_gain_whose_interval_holds_zero_is_not_claimed() -> None:
    """Two controls: one is worse in every draw, the other now better, now worse."""
    errors = {
        "sure": (9.0, 9.1, 9.2, 9.1, 9.0),
        "unsure": (6.0, 9.0, 7.0, 7.0, 7.0),
        "denoising": (7.0, 7.1, 7.2, 7.1, 7.0),
    }
    (said,) = efficiency.notes(summarise(scores(errors), "denoising"), "denoising", {})
    sure, unsure = said.split("; no difference is claimed: ")
    assert sure.endswith("In percentage points: fewer errors 2.00 [2.00, 2.00] than sure")
    assert unsure.startswith("0.12 [-")


def test_the_denoising_encoder_is_compared_with_its_controls_alone() -> None:
    """Not with a stack of another architecture, nor with other classifiers of its own; all become metrics."""
    names = [cell.name for cell in transfer.CELLS]
    errors = dict.fromkeys(names, (9.0, 9.1)) | {transfer.OURS: (7.0, 7.1)}
    report = transfer.beside_controls([score for it in transfer.LABEL_DRAWS for score in scores(errors, it.labels)])
    assert {row.initialisation for row in report.rows} == set(names)
    found = {(it.initialisation, it.control): round(it.gain_percent.mean, 6) for it in report.differences}
    assert found == {(transfer.OURS, control): 2.0 for control in ("scratch", "random", "autoencoder", "l2")}
    metrics = [*dict(efficiency.figures(report))][: conduct.SHOWN]
    assert sum(name.startswith("gain_percent.") for name in metrics) == len(report.differences) == 4 * 4


def test_draws_that_share_a_training_are_one_value() -> None:
    """Ten draws, five trainings: draw 0 leads by 1 and draw 5 by 3, so training 0 by 2; of three draws, all stay."""
    errors = {"plain": (5.0,) * 10, "ours": (4.0, 3.0, 3.0, 3.0, 3.0, 2.0, 3.0, 3.0, 3.0, 3.0)}
    (found,) = summarise(efficiency.by_training(scores(errors), 5), "ours").differences
    assert (found.gain_percent.low, found.gain_percent.mean, found.n) == (2.0, 2.0, 5)
    (other,) = summarise(efficiency.by_training(scores(errors), 10), "ours").differences
    assert other.n == 10
    assert other.gain_percent.low < 2.0
    few = scores({name: each[:3] for name, each in errors.items()})
    assert efficiency.by_training(few, 5) == few


class Told:
    """A laboratory that trains nothing and keeps what was asked of it; a denoising encoder leads each other by 1."""

    def __init__(self, *, quick: bool = False) -> None:
        self.quick = quick
        self.trained: list[str] = []
        self.asked: set[tuple[str, str, object, int]] = set()  # experiment, method, model, draw
        self.evaluated: set[tuple[int, int]] = set()  # labels, draw

    def experiment(self, recipe: str, *changes: str, quick: object = ()) -> str:
        return " ".join((recipe, *changes))

    def train(self, experiment: str) -> str:
        self.trained.append(experiment)
        return experiment

    def stack(self, experiment: str) -> SimpleNamespace:
        return SimpleNamespace(whole=experiment)

    def splits(self, experiment: str) -> SimpleNamespace:
        return SimpleNamespace(train=range(55_000))

    def choose(self, experiment: str, model: object, method: str, options: object, *, labels: int) -> object:
        self.asked.add((experiment, method, model, CHOICE))
        return options

    def classify(
        self, experiment: str, model: object, method: str, options: object, *, labels: int, draw: int
    ) -> SimpleNamespace:
        self.asked.add((experiment, method, model, draw))
        self.evaluated.add((labels, draw))
        leads = str(model).startswith(transfer.RECIPES[transfer.OURS])
        return SimpleNamespace(learning_rate=1e-3, neighbours=None, error_percent=5.0 + draw - leads)


def test_draws_of_labels_take_the_trainings_of_an_encoder_in_turns() -> None:
    """So that an interval holds the luck of an encoder's training; draw d of each has one with the same seed."""
    lab = Told()
    found = transfer.run(lab)  # type: ignore[arg-type]
    assert len(lab.trained) == len(set(lab.trained)) == 2 * len(transfer.SEEDS) + 1
    for it in transfer.LABEL_DRAWS:
        evaluated = {draw - transfer.FIRST_DRAW for labels, draw in lab.evaluated if labels == it.labels}
        assert evaluated == set(range(it.draws))
        assert it.draws < len(transfer.SEEDS) or it.draws % len(transfer.SEEDS) == 0  # values are means of as many
    draws = (CHOICE, *(transfer.FIRST_DRAW + number for number in range(max(it.draws for it in transfer.LABEL_DRAWS))))
    for name, recipe in transfer.RECIPES.items():
        seeds = transfer.SEEDS[:1] if name in transfer.ONCE else transfer.SEEDS
        mine = {ask for ask in lab.asked if str(ask[2]).startswith(f"{recipe} ")}
        assert {experiment for experiment, *_ in mine} == {recipe}  # its own seed draws the labels
        assert {(model, draw) for *_, model, draw in mine} == {
            (f"{recipe} seed={seeds[max(draw, 0) % len(seeds)]}", draw) for draw in draws
        }
    untrained = {(method, draw) for _, method, model, draw in lab.asked if model is None}
    assert untrained == {(method, draw) for method in ("finetune", "probe") for draw in draws}
    assert {model for experiment, _, model, _ in lab.asked if experiment == transfer.STACKED} == {transfer.STACKED}
    gain = found.figures["gain_percent.denoising.autoencoder.1000"]
    assert (gain.low, gain.value, gain.high) == pytest.approx((1, 1, 1))  # paired draw by draw
    assert gain.n == len(transfer.SEEDS)


def test_the_page_says_of_the_study_what_its_constants_are() -> None:
    """Its sentences are written out, so that they would stay behind where the study changes."""
    said, trainings = " ".join(BEHIND), len(transfer.SEEDS)
    assert f"There are {trainings} trainings" in said
    assert f"{trainings} of them" in said
    draws = {it.labels: it.draws for it in transfer.LABEL_DRAWS}
    assert "with 10 and 100 labels a value is one draw, with 1,000 it is two" in said
    assert (draws[10], draws[100], draws[1000]) == (trainings, trainings, 2 * trainings)
    assert "With all labels there are three" in said
    assert draws[ALL] == 3
    assert "every third of 5,000" in said
    assert -(-5_000 // transfer.VALIDATION) == 3
    assert "up to five checks" in said
    assert transfer.VALIDATION_CHECKS == 5
    (mask,) = parse(read(recipes.find(transfer.RECIPES[transfer.OURS]))).corruptions
    assert f"a square of {mask.options.model_dump()['size']} pixels" in said


def test_a_small_budget_trains_no_more_encoders_than_it_has_draws() -> None:
    """And does not tell of ten trainings and thousands of pictures."""
    lab = Told(quick=True)
    found = transfer.run(lab)  # type: ignore[arg-type]
    assert len(lab.trained) == 2 * 2 + 1
    assert not set(found.notes) & set(BEHIND)


def test_every_error_is_kept_by_its_draw() -> None:
    """A cell with fewer draws, leaves the others empty."""
    found = efficiency.by_draw(scores({"scratch": (9.0, 9.25), "vote": (8.0,)}) + scores({"scratch": (5.0,)}, 1000))
    assert found.head == ("labels", "initialisation", "draw 0", "draw 1")
    assert found.rows == (
        (100, "scratch", "9.00", "9.25"),
        (100, "vote", "8.00", ""),
        (1000, "scratch", "5.00", ""),
    )


def noise(kind: str, strength: float, gain: float, errors: tuple[float, ...]) -> frontier.Noise:
    return frontier.Noise(kind, strength, Interval(mean=gain, low=gain - 0.1, high=gain + 0.1, n=9), errors)


NOISES = [
    noise("erasure", 0.5, 3.0, (9.0, 9.2, 9.4, 9.2, 9.2)),
    noise("blur", 2, 2.0, (8.0, 9.9, 8.4, 8.8, 8.8)),
    noise("block_mask", 16, 1.0, (5.0, 5.1, 5.3, 5.1, 5.1)),
]
CONTROL = (9.1, 9.2, 9.3, 9.2, 9.2)


def test_the_frontier_tells_who_restores_and_who_teaches_best() -> None:
    """The one most dB, the other fewest errors; ranks that go together correlate to +1."""
    first, second, beside, _ = frontier.notes(NOISES, CONTROL)
    assert "restoration gain has erasure-0.5" in first
    assert "probe error has block_mask-16" in first
    assert "percentage points fewer errors." in second
    assert "+3.00 [" not in first
    assert "erasure-0.5, 3.00 [2.90, 3.10] dB" in first
    assert "fewer errors from block_mask-16; more errors from none" in beside
    assert frontier.correlation(NOISES) == pytest.approx(1)


def test_the_frontier_s_figures_are_paired_with_the_control() -> None:
    found = dict(frontier.figures(NOISES, CONTROL))
    assert found["probe_gain_percent.block_mask-16"].value == pytest.approx(9.2 - 5.12)
    assert found["gain_db.erasure-0.5"].unit == "dB"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("DAE_STORE", str(tmp_path))
    monkeypatch.setenv("DAE_DATA", str(tmp_path / "data"))
    return Store(tmp_path, tmp_path / "data")


def asked(method: str, store: Store, **more: object) -> ClassifierRequest:
    options = ClassifierOptions.model_validate(
        {"steps": 30, "validation_checks": 2, "learning_rates": [1e-9, 1e-2], **more}
    )
    dataset = load_dataset.fn(dataset_request(EXPERIMENT))
    ask = ClassifierAsk(method=method, options=options, labels=100, draw=0)
    return classifier_request(EXPERIMENT, dataset, None, ask)


def test_a_classifier_says_what_validation_chose_and_how_it_was_evaluated(store: Store) -> None:
    """Twice the same: rate, epoch and weights of what was trained; the number of votes of what was not."""
    tuned, again = (train_classifier.fn(asked("finetune", store)) for _ in range(2))
    assert tuned.model_dump(exclude={"seconds"}) == again.model_dump(exclude={"seconds"})
    assert tuned.learning_rate == 1e-2
    assert 1 <= tuned.epoch <= tuned.epochs
    assert len(tuned.weights_sha256 or "") == 64
    assert 0 < tuned.error_percent < 60
    voted = train_classifier.fn(asked("knn", store))
    assert (voted.learning_rate, voted.weights_sha256) == (None, None)
    assert voted.neighbours in ClassifierOptions().neighbours


def test_first_weights_are_another_for_each_draw(store: Store) -> None:
    """So that intervals of the controls hold the luck of initialisation too."""
    request = asked("finetune", store)
    other = request.model_copy(update={"ask": request.ask.model_copy(update={"draw": 1})})
    weights = [next(classifier._encoder(it, store).parameters()) for it in (request, request, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_key_of_a_classifier_holds_what_it_depends_on(store: Store) -> None:
    """Method, options and the augmentation's code; equal requests have equal keys."""
    keys = [
        asked(method, store, **more).key
        for method, more in (("finetune", {}), ("finetune", {}), ("probe", {}), ("finetune", {"augment": ["affine"]}))
    ]
    assert keys[0] == keys[1]
    assert len({it.model_dump_json() for it in keys}) == 3
    assert any(origin.startswith("daecore") for origin in keys[3].plugins)
    assert len(keys[3].plugins) == len(keys[0].plugins) + 1
    assert keys[0] != transfer_stage.key_of({}, [])


CELLS = """
from daecore_flows.store.store import current_store
current_store().enter()
from prefect import flow
from daecore_flows.store import tracking
from daecore_flows.studies.laboratory import Laboratory
from daecore.transfer.task import ClassifierOptions

@flow
def cells():
    tracking.prepare(current_store())
    lab = Laboratory(current_store(), "")
    experiment = lab.experiment("digits-erasure")
    options = ClassifierOptions(steps=10, learning_rates=(1e-3, 1e-2))
    chosen = lab.choose(experiment, None, "finetune", options, labels=20)
    found = [lab.classify(experiment, None, "finetune", chosen, labels=20, draw=draw) for draw in (0, 1, 0)]
    print(len(chosen.learning_rates), found[0] == found[2], *(it.reused for it in lab.call.timings))

cells()
"""


@pytest.mark.long
def test_cells_of_a_table_are_cached_one_by_one(
    tmp_path: Path, program: Callable[..., list[str]], server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process takes each from the cache; within the first, the same cell is trained once."""
    monkeypatch.setenv("PREFECT_API_URL", server)
    said = [program(tmp_path / "store", CELLS)[-1] for _ in range(2)]
    assert said == ["1 True False False False False True", "1 True True True True True True"]


def test_a_study_s_key_covers_the_corruptions_that_no_recipe_names() -> None:
    """Else a changed plugin would leave an old section standing."""
    assert {name for each in find_study(SERIES, "frontier").also for name in each} == set(frontier.KINDS)
    augmenting = {spec.name for spec in transfer.options(transfer.LABEL_DRAWS[0]).augment}
    assert {name for each in find_study(SERIES, "transfer").also for name in each} == augmenting
    for name in ("frontier", "transfer"):
        used = provenance(spec("corruption", each) for each in find_study(SERIES, name).also)
        assert set(used.values()) <= set(conduct.request(SERIES, name, quick=True).key.plugins)


def climbed(error: float, minutes: float) -> stacked.Climbed:
    found = Classified(
        error_percent=error, validation_error_percent=error, learning_rate=1e-3, neighbours=None, epoch=1, epochs=1,
        seconds=60, weights_sha256=None,
    )  # fmt: skip
    return stacked.Climbed(784, 10_000, (1000,) * 3, (found,) * 3, found, found, 60 * (minutes - 1), "cpu, 2 threads")


@pytest.mark.parametrize(("error", "minutes", "said"), [(1.4, 25, "reached"), (1.5, 25, "missed"), (1.4, 26, "missed")])
def test_the_stack_tells_whether_it_kept_to_what_was_asked(error: float, minutes: float, said: str) -> None:
    assert said in list(stacked.notes(climbed(error, minutes), quick=False))[1]
    assert not any("asked for" in note for note in stacked.notes(climbed(error, minutes), quick=True))
