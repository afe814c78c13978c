"""The connection to MLflow: one client per URI, the database made once, one experiment per dataset."""

import logging
import os
import sqlite3
from contextlib import closing
from functools import cache
from urllib.parse import quote

from mlflow.tracking import MlflowClient

from daecore.addresses import without_password
from daecore.errors import StoreError, in_a_line

from .. import schema_seen, unwritable
from ..environment import ELSEWHERE
from ..full_disk import WORDS
from ..relocation import refuse_moved
from ..rights import protect
from ..store import Store, current_store
from .patient_client import LOCKED, PatientClient, is_away

URI = "MLFLOW_TRACKING_URI"
UNFINISHED = ".mlflow.db"  # the name of a database that is being made
KIND = {"mlflow.experimentKind": "custom_model_development"}  # its page opens as "Model training"


def client() -> MlflowClient:
    """The client for the URI that `Store.enter` set."""
    return client_of(os.environ[URI])


def shown_uri() -> str:
    """Where it is, without a password: reports say it."""
    return without_password(str(client().tracking_uri))


@cache
def client_of(uri: str) -> PatientClient:
    """The client for a URI."""
    logging.getLogger("mlflow.store.db.utils").addFilter(lambda record: not _told_elsewhere(record.getMessage()))
    return PatientClient(uri, lambda: _look_again(uri))


def _look_again(uri: str) -> PatientClient:
    """The client for where MLflow is now, if it was not to be reached at this address.

    A studio that was killed leaves its address in the environment of what it, or a command beside it, had begun.
    """
    if os.environ.get(URI) == uri and ELSEWHERE not in os.environ:
        os.environ[URI] = current_store().environment()[URI]
    return client_of(os.environ.get(URI, uri))


def _told_elsewhere(message: str) -> bool:
    """Whether MLflow's traceback would only repeat what is asked again, or told in one sentence."""
    return is_away(message) or any(words in message.lower() for words in (LOCKED, *WORDS, *unwritable.WORDS))


def prepare(store: Store) -> None:
    """Create the database once, and switch SQLite to WAL; enter the store first where nobody has.

    Raises:
        StoreError: The store was moved, and MLflow's paths are not set right yet; or another MLflow made its database.
    """
    store.enter_within_a_flow()
    with store.lock("database"):
        _require_schema(store)
        client().search_experiments(max_results=1)
        if client().tracking_uri.startswith("sqlite"):
            refuse_moved(store)
            with closing(sqlite3.connect(store.database)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            protect(store)


def _require_schema(store: Store) -> None:
    """Refuse a database of another MLflow: this one would change an older one without a copy."""
    if schema_seen.is_seen(store):
        return
    if store.is_there and not _is_empty(store):
        from .schema import schema_of

        found = schema_of(store)
        if not found.agrees:
            raise StoreError(
                f"The database of the store {store.root} was made by another MLflow than {schema_seen.installed()}, "
                f"which is installed: its schema is {found.found}, and this one's {found.wanted}. `dae doctor --fix` "
                "brings an older one up to date, after a copy."
            )
    elif os.environ[URI] == store.tracking_uri:
        _make(store)
    schema_seen.see(store)


def _is_empty(store: Store) -> bool:
    """Whether its database is a file without a table: that is left where a disk was full as it was begun."""
    if store.shared is not None:
        return False
    with closing(sqlite3.connect(f"file:{quote(str(store.database))}?mode=ro", uri=True)) as connection:
        return not connection.execute("select 1 from sqlite_master limit 1").fetchall()


def _make(store: Store) -> None:
    """Make the database, whole or not at all.

    MLflow makes an SQLite one in dozens of steps. If it is killed at one of them, what is there looks like the database
    of an older MLflow. So it is made beside its place, and renamed.
    """
    if store.shared is not None:
        _make_at(store.tracking_uri, store)  # PostgreSQL takes back what was not ended
        return
    unfinished = store.database.with_name(UNFINISHED)
    for path in store.root.glob(f"{UNFINISHED}*"):  # of a process that was killed, and its journal
        path.unlink()
    _make_at(f"sqlite:///{unfinished}", store)
    unfinished.rename(store.database)


def _make_at(uri: str, store: Store) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    # By itself MLflow lets its own experiment, Default, lie in the working folder of whoever came first.
    made = SqlAlchemyStore(uri, f"{store.artifacts_url}/Default")  # type: ignore[no-untyped-call]
    made.engine.dispose()


def experiment_id(name: str, store: Store) -> str:
    """The experiment of that name, made with an artifact folder inside the store if it is new."""
    with store.lock("experiments"):
        found = client().get_experiment_by_name(name)
        location = f"{store.artifacts_url}/{quote(name)}"
        if found is None:
            return str(client().create_experiment(name, artifact_location=location, tags=KIND))
        if store.shared is not None and found.artifact_location != location:
            raise StoreError(
                f"The files of the experiment {name} lie in {in_a_line(found.artifact_location)}, and this store's in "
                f"{location}. Nothing is written there: somebody has changed the database."
            )
        if found.lifecycle_stage != "active":
            client().restore_experiment(found.experiment_id)
        return str(found.experiment_id)
