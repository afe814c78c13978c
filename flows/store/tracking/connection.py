"""The connection to MLflow: one client per URI, the database made once, one experiment per dataset."""

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import cache, wraps
from random import uniform
from typing import Any
from urllib.parse import quote, urlsplit

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from daecore.errors import StoreError, in_a_line

from .. import schema_seen
from ..full_disk import WORDS
from ..relocation import refuse_moved
from ..rights import protect
from ..store import Store

LOCKED, ATTEMPTS = "database is locked", 8
AWAY = (  # in what MLflow says where PostgreSQL is being started again, or the way to it is cut
    "connection refused", "server closed the connection", "terminating connection", "is starting up",
    "is shutting down", "connection already closed", "ssl connection has been closed", "could not connect",
    "timeout expired",
)  # fmt: skip
AWAY_SECONDS = 300.0
log = logging.getLogger("daecore.progress")
KIND = {"mlflow.experimentKind": "custom_model_development"}  # its page opens as "Model training"


def client() -> MlflowClient:
    """The client for the URI that `Store.enter` set."""
    return client_of(os.environ["MLFLOW_TRACKING_URI"])


def shown_uri() -> str:
    """Where it is, without a password: reports say it."""
    uri = str(client().tracking_uri)
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@cache
def client_of(uri: str) -> MlflowClient:
    """The client for a URI."""
    logging.getLogger("mlflow.store.db.utils").addFilter(lambda record: not _told_elsewhere(record.getMessage()))
    return PatientClient(uri)


def _told_elsewhere(message: str) -> bool:
    """Whether MLflow's traceback would only repeat what is asked again, or told in one sentence."""
    return any(words in message for words in (LOCKED, *WORDS)) or _is_away(message)


def _is_away(message: str) -> bool:
    return any(words in message.lower() for words in AWAY)


class PatientClient(MlflowClient):
    """A client that asks a busy database again, or one that is away for a while.

    SQLite lets no transaction write that has read before another process wrote, and says at once that it is locked.
    What MLflow asked for is rolled back then, and can be asked for again.
    """

    def __getattribute__(self, name: str) -> Any:
        """Its methods, patient."""
        found = super().__getattribute__(name)
        return found if name.startswith("_") or not callable(found) else _patient(found)


def _patient(ask: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(ask)
    def ask_again(*values: Any, **named: Any) -> Any:
        attempts, deadline = ATTEMPTS, time.monotonic() + AWAY_SECONDS
        while True:
            try:
                return ask(*values, **named)
            except MlflowException as error:
                away = _is_away(str(error))
                attempts -= not away
                if (not away and (LOCKED not in str(error) or not attempts)) or time.monotonic() > deadline:
                    raise
                if away:
                    log.warning("MLflow's database is away; it is asked again")
                time.sleep(uniform(1, 3) if away else uniform(0.02, 0.5))

    return ask_again


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
    if store.is_there:
        from .schema import schema_of

        found = schema_of(store)
        if not found.agrees:
            raise StoreError(
                f"The database of the store {store.root} was made by another MLflow than {schema_seen.installed()}, "
                f"which is installed: its schema is {found.found}, and this one's {found.wanted}. `dae doctor --fix` "
                "brings an older one up to date, after a copy."
            )
    schema_seen.see(store)


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
