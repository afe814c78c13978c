"""A store that is taken away under a command is told as what it is, whatever a library makes of it."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from daecore_flows.cli import watching
from daecore_flows.store import unwritable

ERROR = sqlite3.OperationalError("attempt to write a readonly database")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One that was entered."""
    root = tmp_path / "store"
    monkeypatch.setenv("DAE_STORE", str(root))
    (root / "results").mkdir(parents=True)
    (root / "layout").write_text("3")
    (root / "mlflow.db").touch()
    yield root
    root.chmod(0o700)


def test_one_that_is_there_is_not_blamed(store: Path) -> None:
    assert not unwritable.is_taken_away(store)
    assert "readonly" in watching._paragraph(ERROR)


def test_one_that_is_gone_is_said_to_be(store: Path) -> None:
    """Also where something has made its folder anew."""
    store.rename(store.with_name("away"))
    assert f"The store {store} is gone" in watching._paragraph(ERROR)
    store.mkdir()
    assert f"The store {store} is gone" in watching._paragraph(ERROR)


@pytest.mark.parametrize("name", ["", "mlflow.db", "results"])
def test_one_that_may_not_be_written_is_said_to_be_and_where(
    store: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The administrator may write everywhere: so it is not the mode that is looked at."""
    denied = store / name
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != denied and allowed(path, mode))
    assert f"{denied} is read-only" in watching._paragraph(ERROR)
