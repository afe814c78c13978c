"""The connection to MLflow: it asks a busy database again, and nothing else."""

from pathlib import Path

import pytest
from daecore_flows.store.tracking.connection import ATTEMPTS, PatientClient
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


LOCKED = "(sqlite3.OperationalError) database is locked [SQL: UPDATE runs ...]"


def test_a_busy_database_is_asked_again(asked: list[str], database: str) -> None:
    asked += [LOCKED, LOCKED, "found"]
    assert PatientClient(database).search_experiments("it") == "found it"
    assert asked == []


def test_one_that_stays_busy_is_told(asked: list[str], database: str) -> None:
    asked += [LOCKED] * (ATTEMPTS + 3)
    with pytest.raises(MlflowException, match="locked"):
        PatientClient(database).search_experiments("it")
    assert len(asked) == 3


def test_no_other_error_is_tried_again(asked: list[str], database: str) -> None:
    asked += ["no such experiment", "found"]
    with pytest.raises(MlflowException, match="no such"):
        PatientClient(database).search_experiments("it")
    assert asked == ["found"]
