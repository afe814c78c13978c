"""A store that was moved: MLflow keeps absolute paths in its database, and here they are set right.

The one place that writes MLflow's tables itself: its API changes no artifact location. Does not load MLflow.
"""

import sqlite3
from contextlib import closing
from urllib.parse import unquote, urlparse

from .store import Store

COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)


def moved_from(store: Store) -> str:
    """The folder a store was made in, where it lies elsewhere now; else an empty text."""
    if not store.database.is_file():
        return ""
    with closing(sqlite3.connect(store.database)) as connection:
        made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone()
        found = connection.execute("SELECT artifact_location FROM experiments").fetchall() if made else []
    for (location,) in found:
        folder, _, name = unquote(urlparse(location or "").path).rpartition("/")
        root = folder.removesuffix("/artifacts")
        if root != folder and root != str(store.root) and (store.artifacts / name).is_dir():
            return root
    return ""


def relocate(store: Store, before: str) -> int:
    """Write the store's present folder in place of the one it was made in; how many paths were changed.

    Args:
        store: Where it lies now, with no server working on it.
        before: The folder that `moved_from` found.
    """
    old, new = Store(type(store.root)(before), store.data).artifacts.as_uri(), store.artifacts.as_uri()
    changed = 0
    with closing(sqlite3.connect(store.database)) as connection, connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table, column in COLUMNS:
            if table in tables:
                statement = (
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} = ? OR {column} LIKE ?"
                )
                changed += connection.execute(statement, (new, len(old) + 1, old, f"{old}/%")).rowcount
    return changed


def refuse_moved(store: Store) -> None:
    """Refuse to work on a store whose paths are not set right yet.

    Raises:
        StoreError: The store was moved.
    """
    before = moved_from(store)
    if before:
        from daecore.errors import StoreError

        raise StoreError(
            f"The store {store.root} was made in {before}, and MLflow still looks for its files there. "
            "`dae doctor --fix` sets the paths right."
        )
