"""An interrupt ends as one, whatever a library makes of it: exit status 130, runs KILLED at once."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from daecore_flows import cli, interrupts
from daecore_flows.workers.workers import Interrupted, at_work

runs = import_module("daecore_flows.store.tracking.runs")  # the folder's door has a function of this name


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    interrupts.answer()
    yield
    interrupts.answer()


def interrupted(outcome: Callable[[], None]) -> Callable[..., None]:
    """A command in which Ctrl-C comes, and a library that makes something else of it."""

    def command(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        except KeyboardInterrupt:
            outcome()

    return command


def raising(error: BaseException) -> Callable[[], None]:
    def outcome() -> None:
        raise error

    return outcome


@pytest.mark.parametrize(
    "outcome",
    [
        raising(KeyboardInterrupt()),
        raising(ValueError("database is locked")),
        raising(asyncio.CancelledError()),
        raising(SystemExit(1)),
        lambda: None,
    ],
    ids=["itself", "another", "cancelled", "an exit", "lost"],
)
def test_a_command_that_was_interrupted_ends_with_130(
    outcome: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says so, in a word."""
    monkeypatch.setattr(cli, "app", interrupted(outcome))
    assert cli.main([]) == 130
    assert capsys.readouterr().err == "Stopped.\n"
    assert cli.main(["--help"]) == 130  # the same command: what was noted before does not count


def test_what_a_command_has_answered_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """`dae up` ends well with Ctrl-C."""
    monkeypatch.setattr(cli, "app", interrupted(interrupts.answer))
    assert cli.main([]) == 0


def test_an_error_without_an_interrupt_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise ValueError("no")

    monkeypatch.setattr(cli, "app", failing)
    assert cli.main([]) == 1


def test_the_handlers_from_before_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts.listen(signal.SIGINT):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_worker_s_task_that_fails_after_an_interrupt_was_interrupted() -> None:
    """Whatever it failed with."""

    def work() -> None:
        interrupts.note()
        raise ValueError("database is locked")

    with pytest.raises(Interrupted):
        at_work(work)


def test_a_run_that_an_interrupt_met_while_it_began_ends_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    """MLflow knows it, and the task does not yet."""
    from daecore_flows.store import tracking
    from daecore_flows.store.store import current_store

    shutil.copy(empty_database, tmp_path / "mlflow.db")
    (tmp_path / "layout").write_text("3")
    monkeypatch.setenv("DAE_STORE", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    begun = []

    def work() -> None:
        begun.append(tracking.start(tracking.experiment_id("test", current_store()), "training", {}, {}))
        raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        at_work(work)
    assert tracking.client().get_run(begun[0]).info.status == "KILLED"


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str]]:
    """What MLflow is told of runs' ends, in this order."""
    told: list[tuple[str, str]] = []
    monkeypatch.setenv("DAE_STORE", str(tmp_path))
    monkeypatch.setattr(runs, "finish", lambda run, status: told.append((run, status)))
    monkeypatch.setattr(runs, "tag", lambda *_: None)
    return told


def nested(error: BaseException | None, seen: Callable[[], Any] = lambda: None) -> None:
    """A training in a run in a series; what is seen after the training has ended, and before the run has."""
    with runs.end_run("series"), runs.end_run("run"):
        try:
            with runs.end_run("training"):
                if error is not None:
                    raise error
        finally:
            seen()


def test_an_interrupt_ends_the_runs_around_it_at_once(closed: list[tuple[str, str]]) -> None:
    """What a library does on the way out may take longer than whoever told the process to end will wait."""
    early: list[tuple[str, str]] = []
    with pytest.raises(KeyboardInterrupt):
        nested(KeyboardInterrupt(), lambda: early.extend(closed))
    assert early == [("training", "KILLED"), ("run", "KILLED"), ("series", "KILLED")]


@pytest.mark.parametrize(("noted", "status"), [(False, "FAILED"), (True, "KILLED")])
def test_an_error_is_a_failure_unless_there_was_an_interrupt(
    noted: bool, status: str, closed: list[tuple[str, str]]
) -> None:
    if noted:
        interrupts.note()
    with pytest.raises(ValueError, match="locked"):
        nested(ValueError("locked"))
    assert dict(closed) == dict.fromkeys(["training", "run", "series"], status)


def test_what_ends_well_is_finished_from_the_inside_out(closed: list[tuple[str, str]]) -> None:
    nested(None)
    assert closed == [("training", "FINISHED"), ("run", "FINISHED"), ("series", "FINISHED")]
