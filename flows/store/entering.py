"""Entering a store: its folders are made, whatever is not to be used is refused, the environment points at it.

Imports neither Prefect nor MLflow: both read their settings when they are imported, so this comes first.
"""

import os
import tempfile
from typing import TYPE_CHECKING

from . import rights
from .environment import environment
from .files import write_atomically
from .full_disk import keep_reserve
from .layout import FILE, LAYOUT, require_layout
from .network import reach_this_machine
from .shared.remembered import refuse_another, remember
from .temporary_files import keep_if_whole_process

if TYPE_CHECKING:
    from .store import Store


def enter(store: "Store", *, prefect: bool) -> None:
    """Create the folders and point Prefect and MLflow at them; see `Store.enter`."""
    _refuse_unspeakable(store)
    if store.shared is not None:
        refuse_another(store.root, store.shared)
    rights.refuse_another_user_s(store)
    require_layout(store.root, store.database)
    _make(store)
    if store.shared is not None:
        from .shared.database import require_store

        require_store(store.shared)
        remember(store.root, store.shared)
    keep_if_whole_process()
    reach_this_machine()
    found = environment(store)
    os.environ.update({name: value for name, value in found.items() if prefect or not name.startswith("PREFECT_")})
    if prefect:
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")


def _refuse_unspeakable(store: "Store") -> None:
    """The databases are named by URLs, where a question mark ends the path, and nothing can stand for it."""
    if "?" in str(store.root) or not str(store.root).isprintable():
        from daecore.errors import StoreError

        raise StoreError(
            f"The store {str(store.root)!r} has a question mark or a control character in its path, which the "
            "address of a database cannot carry. Choose another folder with --store DIR or DAE_STORE."
        )


def _make(store: "Store") -> None:
    """Make what is not there, for its user alone, and see that it can be written."""
    try:
        whole = not store.root.exists() or rights.was_made_before(store)
        for folder in (store.root, *store.folders):
            folder.mkdir(mode=rights.PRIVATE_FOLDER, parents=True, exist_ok=True)
        if not (store.root / FILE).exists():
            write_atomically(store.root / FILE, f"{LAYOUT}\n")
        rights.protect(store, whole=whole)
        with tempfile.TemporaryFile(dir=store.root):
            pass
        keep_reserve(store.root)
    except OSError as error:
        from daecore.errors import StoreError

        raise StoreError(
            f"The store {store.root} cannot be written ({error.strerror or error}). Choose another folder with "
            "--store DIR or DAE_STORE, or mend its permissions."
        ) from None
