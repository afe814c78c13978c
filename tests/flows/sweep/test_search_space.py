"""The space of a sweep: how entries are read, which points follow, what is refused before anything is started."""

from typing import Any

import pytest
from daecore_flows.sweep.dimensions import Choices, Range
from daecore_flows.sweep.measures import caution, comparable
from daecore_flows.sweep.plan import plan
from daecore_flows.sweep.proposals import Guided, draw_points
from daecore_flows.sweep.search_space import change, grid, labels, parse_space
from daecore_flows.sweep.trials import SeedRun, Trial, best, still_true

from daecore.errors import InputError
from daecore.experiment.experiment import Experiment, parse

BASE = parse(
    {
        "dataset": "digits",
        "corruptions": ["erasure"],
        "architecture": {"conv": {"widths": [8], "code": 8}},
        "transfer": {"labels": [20]},
    }
)
RATES = "training.learning_rate={low: 1e-4, high: 1e-2, log: true}"


def asked(*space: str, base: Experiment = BASE, **options: Any) -> Any:
    given = {"method": "grid", "trials": 5, "seeds": 1, "measure": "validation_loss", "seed": 0, **options}
    return plan(base, space, **given)


def test_a_list_is_choices_and_a_mapping_with_ends_a_range() -> None:
    """Also where a number is written 1e-4, which YAML 1.1 takes for a text."""
    erasure, rate, epochs = parse_space(
        ["corruptions.0.erasure.p=[0.3, 5e-1]", RATES, "training.epochs={low: 1, high: 5}"], BASE
    )
    assert erasure == Choices("corruptions.0.erasure.p", (0.3, 0.5))
    assert rate == Range("training.learning_rate", 1e-4, 1e-2, None, True)
    assert epochs == Range("training.epochs", 1, 5)
    assert epochs.whole
    assert not rate.whole


def test_a_grid_is_every_combination_and_steps_through_ranges() -> None:
    """Whole numbers stay whole; both ends are included."""
    space = parse_space(
        ["training.epochs={low: 1, high: 5, step: 2}", "training.average={low: 0.1, high: 0.3, step: 0.1}"], BASE
    )
    points = grid(space)
    assert len(points) == 9
    assert points[1] == {"training.epochs": 1, "training.average": 0.2}
    assert {type(point["training.epochs"]) for point in points} == {int}
    assert [point["training.average"] for point in points[:3]] == [0.1, 0.2, 0.3]


def test_a_point_changes_its_places_and_nothing_else() -> None:
    """Places inside lists and whole sections, too; the base stays as it was."""
    found = change(BASE, {"corruptions.0.erasure.p": 0.2, "architecture": "dense"})
    assert found["corruptions"][0]["erasure"]["p"] == 0.2
    assert found["architecture"] == "dense"
    assert {**found, "corruptions": 0, "architecture": 0} == {
        **BASE.model_dump(mode="json"),
        "corruptions": 0,
        "architecture": 0,
    }
    assert BASE.model_dump(mode="json")["corruptions"][0]["erasure"]["p"] == 0.5


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        ((), {}, "needs something to vary"),
        (("training.epochs",), {}, "path=VALUES"),
        (("training.epochs=3",), {}, "must be a list of values"),
        (("training.epochs=[",), {}, "is not YAML"),
        (("training.epochs=[]",), {}, "empty list"),
        (("training.epochs=[1, 1]",), {}, "lists a value twice"),
        (("training.epochs={low: 5, high: 1}",), {}, "low must be less than high"),
        (("training.average={low: 0, high: 0.9, log: true}",), {}, "starts above 0"),
        (("training.epochs={low: a, high: 1}",), {}, "range of numbers"),
        (("training.epoch=[1, 2]",), {}, "which this experiment does not have: training has no 'epoch'"),
        (("corruptions.0.blur.sigma=[1, 2]",), {}, "corruptions.0 has no 'blur'. Known: erasure"),
        (("training=[{}]", "training.epochs=[1]"), {}, "one holds the other"),
        ((RATES,), {}, "A grid cannot step through the range"),
        (("training.epochs={low: 1, high: 2000, step: 1}",), {}, "2000 points"),
        (("training.epochs=[1, 2]",), {"measure": "restored"}, "Did you mean 'restored_db'"),
        (("training.epochs=[1, 2]",), {"measure": "error_percent.prob.20"}, "Known: autoencoder, finetune"),
        (("training.epochs=[1, 2]",), {"measure": "error_percent.probe.100"}, "transfer.labels holds 20"),
        (("seed=[1, 2]",), {"seeds": 2}, "keep one of them"),
        (("corruptions.0.erasure.p=[0.1, 0.2]",), {"method": "tpe"}, "the space changes the task"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_through_is_refused(
    space: tuple[str, ...], options: dict[str, Any], message: str
) -> None:
    """Before anything is started, and by name."""
    with pytest.raises(InputError, match=message.replace("[", r"\[").replace("(", r"\(")):
        asked(*space, **options)


def test_the_key_is_the_question() -> None:
    """Equal however it is written, another for another base, space, measure or seed."""
    one = asked("training.epochs=[1, 2]")
    assert one.key == asked("training.epochs= [ 1,2 ]", trials=7).key  # a grid has as many as it has
    others = [
        asked("training.epochs=[1, 3]"),
        asked("training.epochs=[1, 2]", seeds=2),
        asked("training.epochs=[1, 2]", measure="ssim"),
        asked("training.epochs=[1, 2]", base=BASE.model_copy(update={"seed": 1})),
    ]
    assert len({one.key, *(other.key for other in others)}) == 5


def test_a_point_that_cannot_be_run_is_a_candidate_with_its_reason() -> None:
    """Not an error: the other points are worth trying."""
    sweep = asked("architecture.conv.code=[8, 64]")
    good, bad = (sweep.candidate(point) for point in grid(sweep.space))
    assert good.experiment is not None
    assert good.stamp
    assert bad.experiment is None
    assert "at most 63" in bad.reason


def test_random_points_are_distinct_and_named_by_their_seed() -> None:
    """A space of four points has four, however many are asked for."""
    space = parse_space(["training.epochs={low: 1, high: 2}", "training.noise=[fresh, once]"], BASE)
    assert len(draw_points(space, 20, 0)) == 4
    rates = parse_space([RATES], BASE)
    assert draw_points(rates, 5, 1) == draw_points(rates, 5, 1) != draw_points(rates, 5, 2)


def test_tpe_finds_a_minimum_and_asks_for_nothing_twice() -> None:
    """On a parabola in the logarithm of the rate; what an earlier process found is used."""
    space = parse_space([RATES, "training.noise=[fresh, once]"], BASE)

    def figure(point: Any) -> float:
        import math

        return (math.log10(point["training.learning_rate"]) + 3) ** 2 + (point["training.noise"] == "once")

    first = Guided(space, [], seed=0, higher=False)
    told = []
    for _ in range(15):
        point = first.ask()
        told.append((point, figure(point)))
        first.tell(*told[-1])
    second = Guided(space, told, seed=0, higher=False)
    points = [second.ask() for _ in range(10)]
    for point in points:
        assert point not in [earlier for earlier, _ in told]
        second.tell(point, figure(point))
    later = [figure(point) for point in points if point is not None]
    assert sum(later) / len(later) < sum(value for _, value in told[:10]) / 10


def test_tpe_ends_where_the_space_has_no_more() -> None:
    """Two points, two trials."""
    space = parse_space(["training.noise=[fresh, once]"], BASE)
    guided = Guided(space, [({"training.noise": "once"}, None)], seed=0, higher=False)
    point = guided.ask()
    assert point == {"training.noise": "fresh"}
    guided.tell(point, 1.0)
    assert guided.ask() is None


@pytest.mark.parametrize(
    ("measure", "path", "expected"),
    [
        ("validation_loss", "training.epochs", True),
        ("validation_loss", "objective", False),
        ("restored_db", "objective", True),
        ("restored_db", "corruptions.0.erasure.p", False),
        ("error_percent.probe.100", "corruptions.0.erasure.p", True),
        ("error_percent.probe.100", "dataset", False),
    ],
)
def test_figures_are_compared_where_they_answer_one_question(measure: str, path: str, expected: bool) -> None:
    """A loss belongs to data, corruption and objective; dB to data and corruption; a classifier's error to the data."""
    assert comparable(measure, [path]) is expected
    assert ("No best is told" in caution(measure, [path])) is not expected


def test_a_choice_by_test_figures_is_called_optimistic() -> None:
    """A choice by validation is not."""
    assert "optimistic" in caution("restored_db", ["training.epochs"])
    assert caution("validation_loss", ["training.epochs"]) == ""


def trial(number: int, *values: float, **changes: Any) -> Trial:
    runs = tuple(SeedRun(seed=i, state="finished", value=value, run_id=f"r{i}") for i, value in enumerate(values))
    return Trial(**{"number": number, "point": {}, "stamp": "s", "seeds": len(values), "runs": runs, **changes})


def test_a_trial_is_the_mean_over_its_seeds() -> None:
    """With Student's interval from two seeds on, and no figure while any seed lacks."""
    assert trial(1, 1.0).interval is None
    pair = trial(1, 1.0, 2.0)
    assert pair.value == 1.5
    assert pair.interval is not None
    assert pair.interval.n == 2
    assert trial(1, 1.0, 2.0, seeds=3).value is None
    assert trial(1, 1.0, 2.0, seeds=3).state == "open"
    assert best([trial(1, 3.0), pair, trial(3, refused="no")], higher=False) == pair
    assert best([trial(1, 3.0), pair], higher=True) == trial(1, 3.0)
    assert best([], higher=True) is None


def test_a_record_is_believed_as_long_as_nothing_it_depends_on_has_changed() -> None:
    """Another stamp, a removed run, a crash: that is done again; a failure daecore explained is not."""
    candidate = asked("training.epochs=[1]").candidate({"training.epochs": 1})
    known = trial(1, 1.0, 2.0, stamp=candidate.stamp)
    assert still_true(known, candidate, ["r0", "r1"]) == known
    assert [run.seed for run in still_true(known, candidate, ["r0"]).runs] == [0]
    assert still_true(trial(1, 1.0), candidate, ["r0"]).runs == ()
    failed, crashed = SeedRun(seed=0, state="failed", reason="a"), SeedRun(seed=1, state="crashed", reason="b")
    assert still_true(known.model_copy(update={"runs": (failed, crashed)}), candidate, []).runs == (failed,)


def test_names_are_short_where_they_are_unique() -> None:
    """Else the whole path."""
    assert labels(["corruptions.0.erasure.p", "seed"]) == {"corruptions.0.erasure.p": "erasure.p", "seed": "seed"}
    both = ["corruptions.0.erasure.p", "corruptions.1.erasure.p"]
    assert labels(both) == dict(zip(both, both, strict=True))
