"""MLflow's database is made whole or not at all: one that was half made would pass for an older MLflow's."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from daecore_flows.store import tracking
from daecore_flows.store.store import current_store


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new store, entered."""
    root = tmp_path / "store"
    monkeypatch.setenv("DAE_STORE", str(root))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlflow.db")
    current_store().enter()
    return root


def test_nothing_is_there_under_its_name_before_it_is_whole(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a kill in the moment before the last one leaves it; the next command makes it."""
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda path, other: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tracking.prepare(current_store())
    assert not (root / "mlflow.db").exists()
    unfinished = root / ".mlflow.db"
    unfinished.write_bytes(unfinished.read_bytes()[:10_000])
    tracking.prepare(current_store())
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        assert database.execute("select name from experiments").fetchall() == [("Default",)]
    assert not unfinished.exists()


def test_a_file_without_a_table_is_no_database_yet(root: Path) -> None:
    """As a full disk leaves it, beside what was begun: both go, and it is made whole."""
    (root / "mlflow.db").touch()
    (root / ".mlflow.db").write_bytes(b"SQLite format 3\0")
    tracking.prepare(current_store())
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        assert database.execute("select name from experiments").fetchall() == [("Default",)]
    assert not (root / ".mlflow.db").exists()
