"""The connection to MLflow: it asks a busy database again, and nothing else."""

from pathlib import Path

import pytest
from daecore_flows.store.tracking import patient_client
from daecore_flows.store.tracking.patient_client import ATTEMPTS, MlflowAway, Outage, PatientClient
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What MLflow answers, the next one first; an answer is given once."""
    answers: list[str] = []

    def search(self: MlflowClient, text: str) -> str:
        answer = answers.pop(0)
        if answer != "found":
            raise MlflowException(answer)
        return f"{answer} {text}"

    monkeypatch.setattr(MlflowClient, "search_experiments", search)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return answers


@pytest.fixture
def database(empty_database: Path) -> str:
    """Of MLflow's."""
    return f"sqlite:///{empty_database}"


def alone(uri: str) -> PatientClient:
    """A client for which there is no other address."""
    found = PatientClient(uri, lambda: found)
    return found


LOCKED = "(sqlite3.OperationalError) database is locked [SQL: UPDATE runs ...]"


def test_a_busy_database_is_asked_again(asked: list[str], database: str) -> None:
    asked += [LOCKED, LOCKED, "found"]
    assert alone(database).search_experiments("it") == "found it"
    assert asked == []


def test_one_that_stays_busy_is_told(asked: list[str], database: str) -> None:
    asked += [LOCKED] * (ATTEMPTS + 3)
    with pytest.raises(MlflowException, match="locked"):
        alone(database).search_experiments("it")
    assert len(asked) == 3


def test_no_other_error_is_tried_again(asked: list[str], database: str) -> None:
    asked += ["no such experiment", "found"]
    with pytest.raises(MlflowException, match="no such"):
        alone(database).search_experiments("it")
    assert asked == ["found"]


REFUSED = "API request to http://127.0.0.1:1/... failed with exception ... [Errno 111] Connection refused"


def test_one_that_is_away_is_asked_again_where_it_is_now(
    asked: list[str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A studio that was killed has left its address behind."""
    monkeypatch.setattr(patient_client, "outage", Outage())
    other = alone(database)
    asked += [REFUSED, REFUSED, "found"]
    assert PatientClient("http://127.0.0.1:1", lambda: other).search_experiments("it") == "found it"
    assert patient_client.outage.seconds == 0


@pytest.mark.parametrize(("runs", "seconds"), [([], 30.0), (["run"], 300.0)], ids=["who looks", "who works on a run"])
def test_who_has_something_to_lose_waits_longer(
    asked: list[str], database: str, monkeypatch: pytest.MonkeyPatch, runs: list[str], seconds: float
) -> None:
    """Then a paragraph says what to do."""
    clock = iter(range(10_000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(patient_client, "outage", Outage())
    monkeypatch.setattr(patient_client, "under_way", runs)
    monkeypatch.delenv(patient_client.PATIENCE, raising=False)
    asked += [REFUSED] * 400
    with pytest.raises(MlflowAway, match=r"not answered for \d+ s .*Connection refused.*`dae sync`"):
        alone(database).search_experiments("it")
    assert seconds <= patient_client.outage.seconds < seconds + 20


def test_who_was_interrupted_waits_for_nobody(asked: list[str], database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to say that it ended, either."""
    monkeypatch.setattr(patient_client, "outage", Outage())
    monkeypatch.setattr(patient_client.interrupts, "was_interrupted", lambda: True)
    asked += [REFUSED, "found"]
    with pytest.raises(MlflowAway):
        alone(database).search_experiments("it")
    assert asked == ["found"]
