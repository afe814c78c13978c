"""Vincent's problems as studies: which recipes they use, and what is said of errors beside published ones."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from daecore_flows.studies.laboratory import read_recipe
from daecore_plugins.studies.vincent import SERIES, report
from daecore_plugins.studies.vincent import errors as vincent_errors
from daecore_plugins.studies.vincent.errors import (
    CONV_SCRATCH,
    CONVOLUTIONAL,
    DENOISING,
    LONGER,
    METHODS,
    SCRATCH,
    STACKED,
    Errors,
    Steps,
)
from daecore_plugins.studies.vincent.overview import overview
from daecore_plugins.studies.vincent.published import PUBLISHED

from daecore.data.label_draws import ALL
from daecore.experiment.experiment import Experiment
from daecore.study import find_study
from daecore.transfer.svm import SvmReport
from daecore.transfer.task import ClassifierOptions

ROT = PUBLISHED["mnist_rot"]


def machine(error_percent: float) -> SvmReport:
    return SvmReport(
        error_percent=error_percent, low=error_percent - 0.2, high=error_percent + 0.2, validation_error_percent=9,
        penalty=10, gamma=0.02, on_border=False, support_vectors=4_000, trained_on=12_000, tested_on=50_000, seconds=30,
    )  # fmt: skip


@pytest.fixture
def errors() -> Errors:
    """As many seeds each as in a study."""
    of = {
        SCRATCH: (13.0, 13.2, 12.9, 13.1, 13.0),
        LONGER: (9.4, 9.2, 9.6),
        STACKED: (11.0, 11.2, 11.1),
        DENOISING: (9.3, 9.4, 9.5, 9.4, 9.3),
        CONV_SCRATCH: (6.0, 6.2, 6.1),
        CONVOLUTIONAL: (5.0, 5.1, 5.0),
    }
    return Errors(of, dict.fromkeys(METHODS, 60.0))


def test_every_problem_is_a_study_with_recipes_of_its_own_data() -> None:
    assert set(SERIES.ids) == set(PUBLISHED)
    for name in SERIES.ids:
        for recipe in find_study(SERIES, name).recipes:
            assert read_recipe(recipe).dataset.name == name


class Bench:
    """A laboratory that trains nothing: what it was asked for, and a rate that validation would choose."""

    quick = False

    def __init__(self) -> None:
        self.asked: list[tuple[Experiment, Any, ClassifierOptions]] = []
        self.chosen: list[tuple[Experiment, ClassifierOptions]] = []

    def experiment(self, recipe: str, *changes: str, quick: Sequence[str] = ()) -> Experiment:
        return read_recipe(recipe, [*changes, *(quick if self.quick else ())])

    def stack(self, experiment: Experiment) -> Any:
        return SimpleNamespace(whole=self.train(experiment))

    def train(self, experiment: Experiment) -> Any:
        return SimpleNamespace(experiment=experiment, seconds=50.0)

    def choose(self, experiment: Experiment, _: Any, __: str, options: ClassifierOptions, *, labels: int) -> Any:
        assert labels == ALL
        self.chosen.append((experiment, options))
        return options.model_copy(update={"learning_rates": options.learning_rates[-1:]})

    def classify(
        self, experiment: Experiment, model: Any, _: str, options: ClassifierOptions, *, labels: int, draw: int
    ) -> Any:
        assert (labels, draw) == (ALL, 0)
        self.asked.append((experiment, model, options))
        return SimpleNamespace(error_percent=9.0, seconds=20.0)


@pytest.fixture(scope="module")
def bench() -> tuple[Bench, Errors]:
    """What a whole problem asks for."""
    made = Bench()
    return made, vincent_errors.measure_errors(made, "mnist_rot")  # type: ignore[arg-type]


def test_every_method_is_asked_for_with_each_of_its_seeds_and_none_that_was_tuned_with(
    bench: tuple[Bench, Errors],
) -> None:
    made, errors = bench
    assert {method: len(found) for method, found in errors.of.items()} == {
        SCRATCH: 5, LONGER: 3, STACKED: 3, DENOISING: 5, CONV_SCRATCH: 3, CONVOLUTIONAL: 3
    }  # fmt: skip
    assert [experiment.seed for experiment, _, _ in made.asked] == [
        *range(2, 7), *range(2, 5), *range(2, 5), *range(2, 7), *range(2, 5), *range(2, 5)
    ]  # fmt: skip
    assert errors.seconds[SCRATCH] == 20
    assert errors.seconds[DENOISING] == 70


def test_the_stacks_differ_in_what_they_were_pre_trained_on_alone(bench: tuple[Bench, Errors]) -> None:
    """And scratch is the same network with the same steps and augmentation, at a rate that it has chosen."""
    made, _ = bench
    (scratch, none, from_scratch), longer, (_, plain, stacked), (_, denoising, denoised) = (
        made.asked[place] for place in (0, 5, 8, 11)
    )
    assert none is None
    assert plain.experiment.corruptions == ()
    assert denoising.experiment.corruptions
    without = {"corruptions": ()}
    assert denoising.experiment.model_copy(update=without) == plain.experiment == scratch.model_copy(update=without)
    assert scratch.architecture.options.activation == "sigmoid"  # type: ignore[attr-defined]
    assert stacked == denoised
    assert from_scratch.model_copy(update={"learning_rates": stacked.learning_rates}) == stacked
    assert longer[2].model_copy(update={"steps": 2000}) == from_scratch
    assert longer[2].steps == 3 * 15 * 100 + 2000


def test_scratch_chooses_its_rate_with_a_seed_that_is_not_scored(bench: tuple[Bench, Errors]) -> None:
    """Around that of the stacks; the longer training asks for the same, so that it is found."""
    made, _ = bench
    assert {experiment.seed for experiment, _ in made.chosen} == {0}
    assert {options.learning_rates for _, options in made.chosen} == {(1.5e-3, 3e-3, 6e-3)}
    assert {options.steps for _, options in made.chosen} == {2000}
    assert {options.learning_rates for _, _, options in made.asked[:8]} == {(6e-3,)}


def test_the_convolutional_network_from_scratch_is_the_denoising_one_s(bench: tuple[Bench, Errors]) -> None:
    made, _ = bench
    (scratch, none, options), (denoising, model, same) = made.asked[16], made.asked[19]
    assert none is None
    assert model.experiment == denoising == scratch
    assert options == same


def test_a_difference_is_paired_over_the_seeds_that_both_have(errors: Errors) -> None:
    assert errors.fewer(DENOISING, SCRATCH).n == 5
    found = errors.fewer(CONVOLUTIONAL, DENOISING)
    assert (found.n, found.mean) == (3, pytest.approx((4.3 + 4.3 + 4.5) / 3))


@pytest.mark.parametrize("name", ["mnist_rot", "mnist_bg_rand", "mnist_bg_img_rot"])
def test_the_claim_has_five_paired_seeds(name: str) -> None:
    assert vincent_errors.seeds_of(name, SCRATCH) == vincent_errors.seeds_of(name, DENOISING) >= 5


def test_notes_claim_what_intervals_leave_no_doubt_of(errors: Errors) -> None:
    first, published, scratch, longer, plain, *_, convolutions, best = report.notes(machine(10.5), errors, ROT)
    assert "the data are about as hard" in first
    assert "at or below the 9.53 %" in published
    assert "3.66 [3.47, 3.85] percentage points fewer errors." in scratch
    assert "no difference is claimed" in longer
    assert "no difference is claimed" not in scratch
    assert "3 values are too few" in plain
    assert "3 values are too few" in convolutions
    assert "the lowest published is 8.27 %, above the interval" in best


def test_notes_claim_nothing_where_they_may_not(errors: Errors) -> None:
    alike = Errors({**errors.of, DENOISING: errors.of[SCRATCH], CONVOLUTIONAL: (8.0, 8.5, 8.4)}, errors.seconds)
    first, published, scratch, *_, best = report.notes(machine(14.0), alike, ROT)
    assert "what was published is of other data" in first
    assert ", above the 9.53 % that were published of it, on other data." in published
    assert "no difference is claimed" in scratch
    assert "the lowest published, on other data, is 8.27 %, not above the interval" in best


def test_what_pre_training_takes_is_told_beside_fine_tuning() -> None:
    """A stack's steps: three layers, fifteen epochs of a hundred batches; and who gets them, too."""
    rot, convex = (
        [read_recipe(vincent_errors.recipe_of(name, method)) for method in (DENOISING, CONVOLUTIONAL)]
        for name in ("mnist_rot", "convex")
    )
    assert vincent_errors.steps_of(rot[0]) == Steps(pre_training=3 * 15 * 100, fine_tuning=2000)
    assert vincent_errors.steps_of(convex[1]) == Steps(pre_training=10 * 79, fine_tuning=1200)
    turned, upright = report.how("mnist_rot", *rot), report.how("convex", *convex)
    assert "4,500 steps more" in turned
    assert "the longer one, which gets both" in turned
    assert "the augmentation affine(amount=1.0, rotation=180.0" in turned
    assert "longer" not in upright
    assert "were not tuned on this problem" in upright
    assert "790 of pre-training" in upright
    assert "no augmentation, a first guess" in upright


def test_every_problem_has_its_controls() -> None:
    """The longer training from scratch stands where a lead over scratch is claimed."""
    for name in PUBLISHED:
        assert {SCRATCH, STACKED, CONV_SCRATCH} < set(vincent_errors.methods_of(name))
        assert (LONGER in vincent_errors.methods_of(name)) == (name in vincent_errors.CLAIMED)


def test_the_errors_of_each_seed_are_told(errors: Errors) -> None:
    """And which seed each had: none was tuned with."""
    told = report.seeds(errors)
    assert told.head == ("method", "seed 2", "seed 3", "seed 4", "seed 5", "seed 6")
    assert {row[0]: row[1:] for row in told.rows}[CONVOLUTIONAL] == ("5.00", "5.10", "5.00", "", "")


def test_the_overview_has_published_figures_in_brackets(errors: Errors) -> None:
    figures = {name: it.model_dump() for name, it in report.figures(machine(10.5), errors, ROT)}
    [row] = overview({"mnist_rot": {"figures": figures}}).rows
    assert row[0] == "mnist_rot"
    assert "(11.11)" in str(row[1])
    assert "(9.53)" in str(row[5])
    assert str(row[5]).startswith("9.38 ±")
    assert "(8.27)" in str(row[6])


def test_a_problem_without_the_longer_training_has_an_empty_place(errors: Errors) -> None:
    of = {name: found for name, found in errors.of.items() if name != LONGER}
    figures = {name: it.model_dump() for name, it in report.figures(machine(2.5), Errors(of, errors.seconds), ROT)}
    [row] = overview({"convex": {"figures": figures}}).rows
    assert row[3] == ""
    assert len(row) == 7


@pytest.mark.parametrize("name", PUBLISHED)
def test_small_budgets_cut_the_samples_too(name: str) -> None:
    small = read_recipe(vincent_errors.recipe_of(name, DENOISING), vincent_errors.quick_changes(name))
    assert small.dataset.options.sizes == {"train": 2_000, "validation": 500, "test": 500}  # type: ignore[attr-defined]
    assert small.training.epochs == 2
