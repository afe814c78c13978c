"""The outbox of a training: nothing waits for MLflow, and everything arrives there once, whatever was away."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from daecore_flows.store import tracking
from daecore_flows.store.journal import Journal, journal_path, journals
from daecore_flows.store.store import Store
from daecore_flows.store.tracking import outbox as module
from daecore_flows.store.tracking.outbox import Outbox
from daecore_flows.store.tracking.patient_client import PATIENCE, Outage, under_way
from daecore_flows.store.tracking.telling import end_later, tell_left
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient


@pytest.fixture
def store(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{empty_database}")
    monkeypatch.setenv("DAE_MLFLOW_URI", f"sqlite:///{empty_database}")
    monkeypatch.setenv(PATIENCE, "0.3")
    for name in ("patient_client.outage", "outbox.outage"):
        monkeypatch.setattr(f"daecore_flows.store.tracking.{name}", OUTAGE)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr("daecore_flows.store.tracking.patient_client.uniform", lambda low, high: 0.01)
    under_way.append("run")
    yield Store(tmp_path / "store", tmp_path)
    under_way.clear()
    OUTAGE.end()


OUTAGE = Outage()


@pytest.fixture
def run(store: Store) -> str:
    client = tracking.client()
    return str(
        client.create_run(client.create_experiment(str(store.root), artifact_location=str(store.artifacts))).info.run_id
    )


class Away:
    """MLflow's writing, which fails while it is away."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.away, self.after = False, False
        for name in ("log_batch", "set_terminated"):
            patch.setattr(MlflowClient, name, self._or(getattr(MlflowClient, name)))

    def _or(self, method: Any) -> Any:
        def ask(client: MlflowClient, *values: Any, **named: Any) -> Any:
            if self.away:
                raise MlflowException("API request failed with exception ... Connection refused")
            found = method(client, *values, **named)
            if self.after:
                self.after = False
                raise MlflowException("API request failed with timeout exception")  # it was done all the same
            return found

        return ask


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Away:
    return Away(monkeypatch)


def losses(run: str) -> dict[int, float]:
    found = tracking.client().get_metric_history(run, "loss")
    assert len({entry.step for entry in found}) == len(found), "a step was told twice"
    return {entry.step: entry.value for entry in found}


def test_all_is_told_when_the_block_ends(store: Store, run: str, mlflow: Away) -> None:
    """Metrics, and pictures under the names that MLflow's page reads; values that are not finite are left out."""
    with Outbox(run, store) as outbox:
        for step in range(1, 2001):
            outbox.put_metrics({step: {"loss": 1 / step, "other": float("nan")}}) if step > 1990 else None
        outbox.put_metrics({step: {"loss": 1 / step} for step in range(1, 1991)})
        outbox.put_picture(np.zeros((4, 6, 3), np.uint8), "restored", 7)
    assert losses(run) == {step: 1 / step for step in range(1, 2001)}
    assert tracking.history(run, "other") == {}
    names = [path.name for path in (store.artifacts / run / "artifacts" / "images").iterdir()]
    assert sorted(name.rpartition(".")[2] for name in names) == ["png", "webp"]
    assert all(name.startswith("restored+step+7+timestamp+") for name in names)
    assert tracking.client().get_run(run).data.tags["mlflow.loggedImages"] == "True"
    assert journals(store.root) == []


def test_what_computes_does_not_wait_and_nothing_is_lost(store: Store, run: str, mlflow: Away) -> None:
    """While MLflow is away, and when it comes back before the end."""
    with Outbox(run, store) as outbox:
        mlflow.away = True
        began = time.monotonic()
        for step in range(20):
            outbox.put_metrics({step: {"loss": step}})
        assert time.monotonic() - began < 0.3
        assert losses(run) == {}
        threading.Timer(0.1, lambda: setattr(mlflow, "away", False)).start()
    assert list(losses(run)) == list(range(20))


def test_an_answer_that_was_lost_doubles_nothing(store: Store, run: str, mlflow: Away) -> None:
    """MLflow had written it, and could not say so."""
    with Outbox(run, store) as outbox:
        mlflow.after = True
        outbox.put_metrics({1: {"loss": 0.5}})
    assert losses(run) == {1: 0.5}


def train(run: str, store: Store, mlflow: Away) -> None:
    """An epoch, and three while MLflow is away."""
    with Outbox(run, store) as outbox:
        outbox.put_metrics({0: {"loss": 9.0}})
        while not losses(run):
            time.sleep(0.01)
        mlflow.away = True
        for step in (1, 2, 3):
            outbox.put_metrics({step: {"loss": step, "seconds": 1.0}})


def test_what_waits_at_the_end_is_kept_told_of_and_delivered_once(store: Store, run: str, mlflow: Away) -> None:
    """In a paragraph; with how the run ended. What MLflow has learnt of meanwhile is left out."""
    with pytest.raises(tracking.MlflowAway, match=r"3 messages of the training wait in .*`dae sync`"):
        train(run, store, mlflow)
    end_later(run, "FAILED", "for want of MLflow", store)
    with pytest.raises(tracking.MlflowAway):
        list(tell_left(store))
    mlflow.away = False
    tracking.client().log_metric(run, "loss", 2.0, step=2)  # by another machine that went on
    assert list(tell_left(store)) == [(run, 4)]
    assert losses(run) == {0: 9.0, 1: 1.0, 2: 2.0, 3: 3.0}
    found = tracking.client().get_run(run)
    assert (found.info.status, found.data.tags["dae.error"]) == ("FAILED", "for want of MLflow")
    assert list(tell_left(store)) == []


def test_who_goes_on_with_the_run_tells_first_what_was_left(
    store: Store, run: str, mlflow: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not that it had ended."""
    monkeypatch.setattr(module, "HURRY_SECONDS", 0.1)
    mlflow.away = True
    with suppress(ZeroDivisionError), Outbox(run, store) as outbox:
        outbox.put_metrics({1: {"loss": 1.0}})
        _ = 1 / 0
    end_later(run, "FAILED", "", store)
    mlflow.away = False
    with Outbox(run, store) as outbox:
        assert losses(run) == {1: 1.0}
        outbox.put_metrics({2: {"loss": 2.0}})
    assert losses(run) == {1: 1.0, 2: 2.0}
    assert tracking.client().get_run(run).info.status == "RUNNING"


def test_an_outbox_that_could_not_begin_lets_its_end_be_kept(store: Store, run: str, mlflow: Away) -> None:
    """What an earlier process had left could not be told."""
    end_later(run, "FAILED", "", store)
    with closing(Journal(journal_path(store.root, run))) as journal:
        journal.append({"metrics": {"1": {"loss": 1.0}}, "time": 1})
    mlflow.away = True
    with pytest.raises(tracking.MlflowAway), Outbox(run, store):
        pass
    end_later(run, "FAILED", "", store)
    mlflow.away = False
    assert list(tell_left(store)) == [(run, 2)]
    assert losses(run) == {1: 1.0}


def test_a_run_that_ended_otherwise_keeps_its_end(store: Store, run: str, mlflow: Away) -> None:
    """Another machine has finished it."""
    end_later(run, "FAILED", "it was away", store)
    tracking.client().set_terminated(run, "FINISHED")
    assert list(tell_left(store)) == [(run, 1)]
    assert tracking.client().get_run(run).info.status == "FINISHED"


def test_what_a_removed_run_had_to_tell_is_let_go(store: Store, run: str, mlflow: Away) -> None:
    end_later(run, "FAILED", "", store)
    tracking.client().delete_run(run)
    assert list(tell_left(store)) == [(run, 1)]
    assert journals(store.root) == []


def test_the_journal_of_a_living_process_is_left_alone(store: Store, run: str, mlflow: Away) -> None:
    """It tells it by itself."""
    with Outbox(run, store) as outbox:
        mlflow.away = True
        outbox.put_metrics({1: {"loss": 1.0}})
        assert journals(store.root) == [journal_path(store.root, run)]
        assert list(tell_left(store)) == []
        mlflow.away = False
    assert losses(run) == {1: 1.0}


def test_a_refusal_ends_the_training_as_it_did(store: Store, run: str, mlflow: Away) -> None:
    """A run that was removed meanwhile is no outage."""
    tracking.client().delete_run(run)
    with pytest.raises(MlflowException, match="deleted"), Outbox(run, store) as outbox:
        outbox.put_metrics({1: {"loss": 1.0}})


ENTRIES = [
    {"metrics": {"x": {"loss": 1.0}}, "time": 1}, {"metrics": [], "time": 1}, {"metrics": {"1": {"loss": "a"}}},
    {"picture": "../../../x", "png": ""}, {"picture": "images/a", "png": "bm8="}, {"picture": 3},
    {"end": "NONSENSE", "why": ""},
    {}, {"metrics": {"1": {"bad key?": 1.0}}, "time": 1},
]  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=range(len(ENTRIES)))
def test_what_is_no_entry_does_not_keep_back_what_follows(
    store: Store, run: str, mlflow: Away, entry: dict[str, Any]
) -> None:
    """A journal may be anybody's: nothing is written elsewhere, either."""
    journal = Journal(journal_path(store.root, run))
    journal.append(entry)
    journal.append({"metrics": {"7": {"loss": 0.5}}, "time": 1})
    journal.close()
    assert list(tell_left(store)) == [(run, 2)]
    assert losses(run) == {7: 0.5}
    assert not list(store.root.parent.rglob("x*.png"))
