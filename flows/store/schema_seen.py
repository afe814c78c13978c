"""Which MLflow a store's database was last seen to fit: so nobody need load MLflow to look again.

MLflow changes an older database without a word, and without a copy: before it is let do so, somebody looks.
"""

from importlib.metadata import version

from .files import write_atomically
from .store import Store

FILE = "mlflow-version"


def is_seen(store: Store) -> bool:
    """Whether its database, if there is one, was seen to fit the MLflow that is installed.

    That of a shared store is looked at each time: another machine may have another MLflow.
    """
    if store.shared is not None:
        return False
    path = store.root / FILE
    return path.is_file() and path.read_text() == installed()


def see(store: Store) -> None:
    """Write down that it fits."""
    write_atomically(store.root / FILE, installed())


def installed() -> str:
    """The version of MLflow here."""
    return version("mlflow")
