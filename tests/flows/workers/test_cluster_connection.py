"""What processes of a cluster are given of our environment: nothing secret, and no path that is relative."""

import os
from pathlib import Path

import pytest
from daecore_flows.store.shared.location import parse_location
from daecore_flows.workers import cluster_connection


def test_secrets_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """By their name, or as a password in an address; Ray shows what it is given."""
    secret = {
        "MLFLOW_TRACKING_PASSWORD": "a", "PREFECT_API_KEY": "b", "PREFECT_API_AUTH_STRING": "c",
        "PREFECT_API_DATABASE_CONNECTION_URL": "postgresql+asyncpg://me:hunter2@db/prefect",
        "DAE_MLFLOW_URI": "http://me:hunter2@host:5000",
    }  # fmt: skip
    open_ = {"DAE_DATA": "/data", "MLFLOW_TRACKING_URI": "http://host:5000", "DAE_ODD": "http://[::1"}
    for name, value in {**secret, **open_, "HOME": "/root"}.items():
        monkeypatch.setenv(name, value)
    given = cluster_connection._environment()
    assert not secret.keys() & given.keys()
    assert open_.items() <= given.items()
    assert "HOME" not in given


def test_a_shared_store_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each machine has its own way to it, such as ~/.pgpass; a worker without the name would begin another store."""
    location = parse_location("postgresql://ada:s3cret@db/daecore", "s3://bucket/lab")
    given = {
        "DAE_DATABASE": location.database,
        "DAE_ARTIFACTS": location.artifacts,
        "MLFLOW_TRACKING_URI": location.tracking_uri,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    found = cluster_connection._environment()
    assert {name: found[name] for name in given} == {
        name: value.replace(":s3cret", "") for name, value in given.items()
    }


def test_folders_of_plugins_are_named_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The cluster's processes work in another folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAE_PLUGIN_PATH", os.pathsep.join(("mine", "/others")))
    found = cluster_connection._environment()["DAE_PLUGIN_PATH"]
    assert found == os.pathsep.join((str(tmp_path / "mine"), "/others"))
