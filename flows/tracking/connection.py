"""The connection to MLflow: one client per URI, the database made once, one experiment per dataset."""

import os
import sqlite3
from contextlib import closing
from functools import cache

from mlflow.tracking import MlflowClient

from ..relocation import refuse_moved
from ..store import Store

KIND = {"mlflow.experimentKind": "custom_model_development"}  # its page opens as "Model training"


def client() -> MlflowClient:
    """The client for the URI that `Store.enter` set."""
    return _client(os.environ["MLFLOW_TRACKING_URI"])


@cache
def _client(uri: str) -> MlflowClient:
    return MlflowClient(uri)


def prepare(store: Store) -> None:
    """Create the database once, and switch SQLite to WAL.

    Raises:
        StoreError: The store was moved, and MLflow's places are not set right yet.
    """
    with store.lock("database"):
        client().search_experiments(max_results=1)
        if client().tracking_uri.startswith("sqlite"):
            refuse_moved(store)
            with closing(sqlite3.connect(store.database)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")


def experiment_id(name: str, store: Store) -> str:
    """The experiment of that name, made with an artifact folder inside the store if it is new."""
    with store.lock("experiments"):
        found = client().get_experiment_by_name(name)
        if found is None:
            location = (store.artifacts / name).as_uri()
            return str(client().create_experiment(name, artifact_location=location, tags=KIND))
        if found.lifecycle_stage != "active":
            client().restore_experiment(found.experiment_id)
        return str(found.experiment_id)
