"""What is told of several trainings: the name, the place, and time from what was measured, never before."""

import io
import logging

import pytest
from daecore_flows.cli.progress import Bars
from daecore_flows.stages import agenda
from daecore_flows.stages.agenda import Agenda, Planned, about
from rich.console import Console


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which the test moves."""
    now = [100.0]
    monkeypatch.setattr(agenda.time, "monotonic", lambda: now[0])
    return now


def passes(planned: Agenda, clock: list[float], count: int, seconds: float, total: int = 0) -> list[str]:
    """What is told after each pass of a training."""
    told = []
    planned.begin()
    for number in range(1, count + 1):
        clock[0] += seconds
        told.append(planned.format_remaining(number, total or count))
    return told


def test_the_rest_of_the_whole_is_told_from_the_rate_measured_so_far(clock: list[float]) -> None:
    """Two alike of four passes of 30 s: four minutes; in the second, slower one the rate is of both."""
    planned = Agenda([Planned("train_autoencoder"), Planned("train_control")])
    with planned.under_way("train_autoencoder"):
        assert agenda.current() is planned
        first = passes(planned, clock, 4, 30)
    assert first[0] == "training 1 of 2: autoencoder, about 4 min of 4 left"
    assert first[3] == "training 1 of 2: autoencoder, about 2 min of 4 left"
    clock[0] += 1000  # between the two other stages take their time: it is none of the trainings'
    with planned.under_way("train_control"):
        second = passes(planned, clock, 4, 90)
    assert second[0] == "training 2 of 2: control, about 2 min of 6 left"  # 210 s for 5 of 8 passes
    assert second[3] == "training 2 of 2: control, about 0 min of 8 left"


def test_what_came_from_the_cache_does_not_count(clock: list[float]) -> None:
    """It is closed without a pass; its work is not ahead any more."""
    planned = Agenda([Planned(f"train_layer_{number}") for number in (1, 2, 3)])
    with planned.under_way("train_layer_1"):
        pass
    with planned.under_way("train_layer_2"):
        assert passes(planned, clock, 1, 10, total=2) == ["training 2 of 3: layer 2, about 30 s of 40 left"]


def test_a_longer_training_has_more_work(clock: list[float]) -> None:
    planned = Agenda([Planned("train a_b #0", 100), Planned("train a_b #1", 300)])
    with planned.under_way("train a_b #0"):
        assert passes(planned, clock, 1, 10) == ["training 1 of 2: a_b #0, about 30 s of 40 left"]


def test_of_trainings_that_others_share_no_time_is_told_but_of_the_last(clock: list[float]) -> None:
    planned = Agenda([Planned("train a"), Planned("train b")], alone=False)
    with planned.under_way("train a"):
        assert passes(planned, clock, 1, 10, total=2) == ["training 1 of 2: a"]
    with planned.under_way("train b"):
        assert passes(planned, clock, 1, 10, total=2) == ["training 2 of 2: b, about 10 s of 30 left"]


def test_a_training_nobody_planned_tells_of_itself(clock: list[float]) -> None:
    """Nor is one told that is not on the agenda."""
    planned = Agenda([Planned("train_autoencoder")])
    with planned.under_way("load_dataset"):
        assert agenda.current() is not planned
        assert passes(agenda.current(), clock, 1, 10, total=4) == ["about 30 s of 40 left"]


def test_a_training_is_named_before_its_first_pass_and_without_a_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "daecore.progress")
    with Agenda([Planned("train_autoencoder"), Planned("train_control")]).under_way("train_control"):
        pass
    with Agenda([Planned("train_autoencoder")]).under_way("train_autoencoder"):
        pass
    assert caplog.messages == ["training 2 of 2: control"]


@pytest.mark.parametrize(
    ("left", "whole", "said"),
    [
        (40, 90, "about 40 s of 90 left"), (180, 420, "about 3 min of 7 left"),
        (5400, 9000, "about 1.5 h of 2.5 left"),
    ],
)  # fmt: skip
def test_time_is_told_in_the_unit_people_use(left: float, whole: float, said: str) -> None:
    assert about(left, whole) == said


def test_on_a_terminal_of_80_columns_what_is_left_is_seen() -> None:
    """The bar gives way to what is told."""
    shown = io.StringIO()
    bars = Bars(Console(file=shown, width=80, force_terminal=True))
    log = logging.getLogger("daecore.progress.test")
    for text, extra in (
        ("train_control", {"stage": "train_control"}),
        ("epoch 3 of 9: training 2 of 4: control, about 3 min of 7 left, loss 0.1", {"progress": ("train", 3, 9)}),
    ):
        bars.emit(log.makeRecord(log.name, logging.INFO, "", 0, text, (), None, extra=extra))
    with bars.bars:
        bars.bars.refresh()
    assert "training 2 of 4: control, about 3 min of 7" in shown.getvalue()
