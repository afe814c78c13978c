"""Runs whose process is gone are marked as such, and no others."""

import shutil
from importlib import import_module
from pathlib import Path

import pytest
from daecore_flows.store import tracking


@pytest.fixture
def run(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """One whose process is gone."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_database, tmp_path / 'mlflow.db')}")
    experiment = tracking.client().create_experiment(str(tmp_path), artifact_location=str(tmp_path))
    made = tracking.start(experiment, "it", {}, {})
    tracking.tag(made, {"dae.pid_started": "0.5"})
    return made


def status(run: str) -> str:
    return str(tracking.client().get_run(run).info.status)


def test_one_that_is_left_is_killed(run: str) -> None:
    assert run in tracking.reconcile()
    assert status(run) == "KILLED"


@pytest.mark.parametrize("meanwhile", ["proceed", "finish", "remove"])
def test_one_that_somebody_takes_up_or_ends_meanwhile_is_left_alone(
    run: str, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """Between the look at all runs and the word that this one is over."""
    seen = [tracking.client().get_run(run)]
    if meanwhile == "finish":
        tracking.finish(run, "FINISHED")
    elif meanwhile == "remove":
        tracking.client().delete_run(run)
    else:
        tracking.proceed(run)
    before = status(run)
    monkeypatch.setattr(import_module("daecore_flows.store.tracking.runs"), "runs", lambda query: seen)
    assert tracking.reconcile() == []
    assert status(run) == before
