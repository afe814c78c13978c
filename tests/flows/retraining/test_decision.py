"""What retraining decides: reasons to train, the rule of promotion, the card; no server, no store."""

import pytest
from daecore_flows.retraining.decision import Contender, Decision, State, better, card, network_digest, reasons

from daecore.corruption.noise_level import NoiseEstimate
from daecore.experiment.experiment import parse
from daecore.stats.intervals import Interval


def state(dataset: str = "d", experiment: str = "e", sigma: float = 0.2) -> State:
    return State(dataset=dataset, experiment=experiment, noise=NoiseEstimate(sigma=sigma, missing=0.1, images=50))


def gain(low: float, high: float) -> Interval:
    return Interval(mean=(low + high) / 2, low=low, high=high, n=300)


def test_an_unchanged_world_is_no_reason() -> None:
    """Not even with watched noise that has moved a little."""
    assert reasons(state(), state(sigma=0.22), 0.25, watched=True) == ()


def test_each_change_is_a_reason_of_its_own() -> None:
    """Data, experiment, noise, in this order."""
    found = reasons(state(), state("other", "other", 0.4), 0.25, watched=True)
    assert found[:2] == ("the data have changed", "the experiment has changed")
    assert "from 0.200 to 0.400" in found[2]


def test_noise_that_nobody_watched_is_no_reason() -> None:
    """It is then only what the experiment's own corruption makes."""
    assert reasons(state(), state(sigma=0.4), 0.25, watched=False) == ()


def test_a_champion_of_unknown_origin_is_a_reason() -> None:
    """A version that somebody else registered, or an older one, holds no state."""
    assert State.of({"title": "x"}) is None
    assert len(reasons(None, state(), 0.25, watched=False)) == 1


def test_a_state_comes_back_from_its_tags() -> None:
    """Tags are texts."""
    assert State.of({**state().tags(), "other": "tag"}) == state()


def test_another_seed_or_another_classifier_asks_for_nothing_new() -> None:
    """But another network does."""
    plain = parse({"dataset": "digits", "architecture": {"conv": {"code": 16}}})
    same = parse({"dataset": "digits", "architecture": {"conv": {"code": 16}}, "seed": 3, "transfer": None})
    other = parse({"dataset": "digits", "architecture": {"conv": {"code": 8}}})
    assert network_digest(plain) == network_digest(same) != network_digest(other)


@pytest.mark.parametrize(
    ("interval", "promoted"),
    [
        (gain(0.2, 0.4), True),
        (gain(0.05, 0.9), False),  # likely better, but not for certain
        (gain(0.1, 0.3), False),  # just the least gain is not more than it
        (gain(0.0, 0.0), False),
        (gain(-2.0, -1.0), False),
    ],
)
def test_only_the_lower_end_of_the_interval_promotes(interval: Interval, promoted: bool) -> None:
    """It must exceed the least gain; the reason holds the interval."""
    decided, because = better(interval, 0.1)
    assert decided is promoted
    assert f"[{interval.low:+.3f}, {interval.high:+.3f}]" in because


def test_without_a_least_gain_an_equal_network_is_still_not_promoted() -> None:
    """Zero is not more than zero: champions do not change for nothing."""
    assert better(gain(0.0, 0.0), 0.0)[0] is False


def decision(**changes: object) -> Decision:
    champion = Contender(version="1", training_run="aaa", restored_db=18.5)
    challenger = Contender(version="2", training_run="bbb", restored_db=19.0)
    found = Decision(
        model="m", run_id="rrr", reported_by="ddd", reasons=("the data have changed", "it was forced"), fitted="",
        title="digits", champion=champion, challenger=challenger, gain_db=gain(0.4, 0.6), min_gain_db=0.1,
        promoted=True, because="it is better",
    )  # fmt: skip
    return found.model_copy(update=changes)


def test_the_card_says_reason_scores_gain_decision_and_where_to_look() -> None:
    """Every run is linked."""
    text = card(decision(), lambda run: f"<{run}>")
    for part in (
        "# m: the challenger is champion now",
        "Because it is better.",
        "the data have changed, and it was forced",
        "| champion | 1 | 18.500 | <aaa> |",
        "| challenger | 2 | 19.000 | <bbb> |",
        "+0.500 [+0.400, +0.600], 300 pictures",
        "<rrr>",
        "<ddd>",
    ):
        assert part in text


def test_the_card_of_the_first_champion_has_no_opponent_and_no_gain() -> None:
    """What was not measured is not shown."""
    text = card(decision(champion=None, gain_db=None))
    assert "| champion" not in text
    assert "Gain" not in text


def test_a_champion_that_could_not_be_evaluated_says_so() -> None:
    """Instead of a number."""
    old = Contender(version="1", training_run="aaa", restored_db=None)
    assert "| champion | 1 | not evaluated | aaa |" in card(decision(champion=old, gain_db=None))
