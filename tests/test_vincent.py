"""Vincent's problems as studies: which recipes they use, and what is said of errors beside published ones."""

import pytest
from daecore_flows.series.laboratory import chosen
from daecore_flows.series.series import series
from daecore_flows.vincent import cells, telling
from daecore_flows.vincent.cells import (
    CONV_SCRATCH,
    CONVOLUTIONAL,
    DENOISING,
    LONGER,
    METHODS,
    PLAIN,
    SCRATCH,
    Budget,
    Errors,
)
from daecore_flows.vincent.overview import overview
from daecore_flows.vincent.published import PUBLISHED

from daecore.kernel_machine import KernelMachineReport

ROT = PUBLISHED["mnist_rot"]


def machine(error_percent: float) -> KernelMachineReport:
    return KernelMachineReport(
        error_percent=error_percent, low=error_percent - 0.2, high=error_percent + 0.2, validation_error_percent=9,
        penalty=10, gamma=0.02, on_border=False, support_vectors=4_000, trained_on=12_000, tested_on=50_000, seconds=30,
    )  # fmt: skip


@pytest.fixture
def errors() -> Errors:
    """As many seeds each as in a study."""
    of = {
        SCRATCH: (13.0, 13.2, 12.9, 13.1, 13.0),
        LONGER: (9.4, 9.2, 9.6),
        PLAIN: (11.0, 11.2, 11.1),
        DENOISING: (9.3, 9.4, 9.5, 9.4, 9.3),
        CONV_SCRATCH: (6.0, 6.2, 6.1),
        CONVOLUTIONAL: (5.0, 5.1, 5.0),
    }
    return Errors(of, dict.fromkeys(METHODS, 60.0))


def test_every_problem_is_a_study_with_recipes_of_its_own_data() -> None:
    told = series("vincent")
    assert set(told.ids) == set(PUBLISHED)
    for name in told.ids:
        for recipe in told.study(name).recipes:
            assert chosen(recipe).data.name == name


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_three_stacks_of_a_problem_have_one_shape_and_one_budget(name: str) -> None:
    """Nothing but the corruption differs between plain and denoising; scratch is the same network."""
    denoising = chosen(cells.recipe(name, DENOISING))
    plain = chosen(cells.recipe(name, PLAIN), ["corruptions=[]"])
    assert denoising.corruptions
    assert not plain.corruptions
    assert denoising.model_copy(update={"corruptions": plain.corruptions}) == plain
    assert cells.recipe(name, SCRATCH) == cells.recipe(name, DENOISING)
    assert denoising.autoencoder.options.activation == "sigmoid"  # type: ignore[attr-defined]


def test_a_difference_is_paired_over_the_seeds_that_both_have(errors: Errors) -> None:
    assert errors.fewer(DENOISING, SCRATCH).n == 5
    found = errors.fewer(DENOISING, PLAIN)
    assert (found.n, found.mean) == (3, pytest.approx((1.7 + 1.8 + 1.6) / 3))


@pytest.mark.parametrize("name", ["mnist_rot", "mnist_bg_rand", "mnist_bg_img_rot"])
def test_the_claim_has_five_paired_seeds(name: str) -> None:
    assert cells.seeds(name, SCRATCH) == cells.seeds(name, DENOISING) >= 5


def test_notes_claim_what_intervals_leave_no_doubt_of(errors: Errors) -> None:
    first, published, scratch, longer, *_, best = telling.notes(machine(10.5), errors, ROT)
    assert "the data are about as hard" in first
    assert "at or below the 9.53 %" in published
    assert "+3.66" in scratch
    assert "no difference is claimed" in longer
    assert "no difference is claimed" not in scratch
    assert "the lowest published is 8.27 %, above the interval" in best


def test_notes_claim_nothing_where_they_may_not(errors: Errors) -> None:
    alike = Errors({**errors.of, DENOISING: errors.of[SCRATCH], CONVOLUTIONAL: (8.0, 8.5, 8.4)}, errors.seconds)
    first, published, scratch, *_, best = telling.notes(machine(14.0), alike, ROT)
    assert "published figures are no yardstick" in first
    assert ", above the 9.53 %" in published
    assert "no difference is claimed" in scratch
    assert "not above the interval" in best


def test_what_pre_training_takes_is_told_beside_fine_tuning() -> None:
    """A stack's steps: three layers, fifteen epochs of a hundred batches; and who gets them, too."""
    given = cells.budget(chosen(cells.recipe("mnist_rot", DENOISING)))
    assert given == Budget(pre_training=3 * 15 * 100, fine_tuning=2000)
    assert "4,500 steps more" in telling.how("mnist_rot", given)
    assert "the longer one, which gets both" in telling.how("mnist_rot", given)
    assert "longer" not in telling.how("convex", given)
    assert "were not tuned on this problem" in telling.how("convex", given)


def test_every_problem_has_its_controls() -> None:
    """The longer training from scratch stands where a lead over scratch is claimed."""
    for name in PUBLISHED:
        assert {SCRATCH, PLAIN, CONV_SCRATCH} < set(cells.methods(name))
        assert (LONGER in cells.methods(name)) == (name in cells.CLAIMED)


def test_the_errors_of_each_seed_are_told(errors: Errors) -> None:
    """And which seed each had: none was tuned with."""
    told = telling.seeds(errors)
    assert told.head == ("method", "seed 2", "seed 3", "seed 4", "seed 5", "seed 6")
    assert {row[0]: row[1:] for row in told.rows}[PLAIN] == ("11.00", "11.20", "11.10", "", "")


def test_the_overview_has_published_figures_in_brackets(errors: Errors) -> None:
    figures = {name: it.model_dump() for name, it in telling.figures(machine(10.5), errors, ROT)}
    [row] = overview({"mnist_rot": {"figures": figures}}).rows
    assert row[0] == "mnist_rot"
    assert "(11.11)" in str(row[1])
    assert "(9.53)" in str(row[4])
    assert str(row[4]).startswith("9.38 ±")
    assert "(8.27)" in str(row[5])


@pytest.mark.parametrize("name", PUBLISHED)
def test_small_budgets_cut_the_samples_too(name: str) -> None:
    small = chosen(cells.recipe(name, DENOISING), cells.quick(name))
    assert small.data.options.sizes == {"train": 2_000, "validation": 500, "test": 500}  # type: ignore[attr-defined]
    assert small.training.epochs == 2
