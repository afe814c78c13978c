"""The schema of MLflow's database: an older one is said, and brought up to date after a copy; a newer one is left."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from daecore_flows.store import tracking
from daecore_flows.store.store import Store
from daecore_flows.store.tracking.schema import schema_of
from daecore_flows.studio.store_version import version
from mlflow.store.db import utils
from mlflow.store.tracking.dbmodels.initial_models import Base

from daecore.errors import StoreError


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that has no database yet."""
    found = Store(tmp_path / "store", tmp_path / "data")
    for name, value in found.environment().items():
        monkeypatch.setenv(name, value)
    found.enter()
    return found


@pytest.fixture
def older(store: Store) -> Store:
    """One that the MLflow of one migration ago has made, with an experiment in it."""
    config = utils._get_alembic_config(store.tracking_uri)
    scripts = ScriptDirectory.from_config(config)
    before = scripts.get_revision(scripts.get_current_head()).down_revision
    engine = utils.create_sqlalchemy_engine(store.tracking_uri)
    Base.metadata.create_all(engine)
    command.upgrade(config, before)
    engine.dispose()
    with closing(sqlite3.connect(store.database)) as database, database:
        database.execute("insert into experiments (name, lifecycle_stage) values ('mine', 'active')")
    return store


def test_no_database_is_in_order(store: Store) -> None:
    assert version(store).good
    assert not store.database.exists()


def test_an_older_schema_is_refused_and_mended_after_a_copy(older: Store) -> None:
    """Nothing is lost, and the copy is what was there."""
    found = schema_of(older)
    assert found.is_known
    assert not found.agrees
    with pytest.raises(StoreError, match=r"was made by another MLflow.*dae doctor --fix"):
        tracking.prepare(older)
    finding = version(older)
    assert not finding.good
    assert f"MLflow's schema is {found.found}, older than this MLflow's {found.wanted}" in finding.said
    assert finding.mend is not None
    finding.mend()
    assert schema_of(older).agrees
    assert version(older).good
    tracking.prepare(older)
    assert tracking.client().get_experiment_by_name("mine") is not None
    [copy] = (older.root / "copies").glob("*/mlflow.db")
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("select version_num from alembic_version").fetchall() == [(found.found,)]
        assert ("mine",) in database.execute("select name from experiments").fetchall()


def test_a_newer_schema_is_left_as_it_is(older: Store) -> None:
    """Only its own MLflow can read it."""
    with closing(sqlite3.connect(older.database)) as database, database:
        database.execute("update alembic_version set version_num = 'ffffffffffff'")
    finding = version(older)
    assert not finding.good
    assert "does not know: it is newer. Install the version of MLflow that made it" in finding.said
    assert finding.mend is None
