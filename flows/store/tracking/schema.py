"""The schema of MLflow's database: whether it is that of the MLflow installed here, and bringing it up to date.

Knows MLflow's own migrations, which `mlflow db upgrade` carries out.
"""

import time
from dataclasses import dataclass
from typing import Any

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from mlflow.store.db import utils as untyped
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from daecore.errors import StoreError, in_a_line

from ..migrations import copy_databases
from ..store import Store

utils: Any = untyped
COPIED = "mlflow_copy_"  # begins the name of a schema of PostgreSQL that holds a copy


@dataclass(frozen=True)
class Schema:
    """A database's schema beside the program's.

    Attributes:
        found: Its revision; empty where there is no database yet.
        wanted: The program's.
        is_known: Whether the program knows it, and how to go from there to its own.
    """

    found: str
    wanted: str
    is_known: bool

    @property
    def agrees(self) -> bool:
        """Whether nothing is to be done."""
        return self.found in ("", self.wanted)


def schema_of(store: Store) -> Schema:
    """The schema of a store's database."""
    engine = utils.create_sqlalchemy_engine(store.tracking_uri)
    try:
        found = utils._get_schema_version(engine) or ""
    finally:
        engine.dispose()
    return Schema(found, utils._get_latest_schema_revision(), _is_known(found))


def upgrade(store: Store, schema: Schema) -> str:
    """Copy the database, then bring it up to date; where the copy is.

    Args:
        store: One that nobody uses just now.
        schema: As it is.

    Raises:
        StoreError: It could not be; the copy is whole.
    """
    engine = utils.create_sqlalchemy_engine(store.tracking_uri)
    try:
        copied = str(copy_databases(store, f"mlflow-{schema.found}")) if store.shared is None else _copy(engine, schema)
        utils._upgrade_db(engine)
    except SQLAlchemyError as error:
        raise StoreError(
            f"The database of the store {store.root} could not be brought up to date: {in_a_line(str(error))}. A copy "
            "of what it was was made first, in the store's copies/ or as a schema of the database."
        ) from None
    finally:
        engine.dispose()
    return copied


def _copy(engine: Engine, schema: Schema) -> str:
    """Copy the tables of a PostgreSQL database into another schema of it."""
    name = f"{COPIED}{schema.found}_{time.strftime('%Y%m%d_%H%M%S')}"
    tables = inspect(engine).get_table_names()
    with engine.begin() as connection:
        connection.execute(text(f'CREATE SCHEMA "{name}"'))
        for table in tables:
            connection.execute(text(f'CREATE TABLE "{name}"."{table}" AS TABLE "{table}"'))
    return f"the schema {name} of the database"


def _is_known(revision: str) -> bool:
    scripts = ScriptDirectory.from_config(utils._get_alembic_config(db_url=""))
    try:
        return bool(revision) and scripts.get_revision(revision) is not None
    except CommandError:
        return False
