"""Whose a store is: its user's alone, also where it was open before.

Knows the file system's rights. Where links lead is not the store's.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .layout import FILE

if TYPE_CHECKING:
    from .store import Store

PRIVATE_FOLDER, OTHERS = 0o700, 0o077  # what a folder of its user's alone allows; what it does not


def refuse_another_user_s(store: "Store") -> None:
    """A store is its user's alone: who can write there could have others' commands do what he likes.

    Raises:
        StoreError: The folder belongs to somebody else.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    if user and store.root.exists() and store.root.stat().st_uid not in (user, 0):
        from daecore.errors import StoreError

        raise StoreError(
            f"The store {store.root} belongs to another user ({store.root.stat().st_uid}; you are {user}). Choose a "
            "folder of your own with --store DIR or DAE_STORE; a store's models can be read from anywhere."
        )


def was_made_before(store: "Store") -> bool:
    """Whether the folder is a store's, and no other folder that a store is to lie in."""
    own = {*_own(store), store.root / "recipes"}
    made = (store.database, store.prefect / "prefect.db", store.root / "shared.json")
    return any(path.exists() for path in made) or own.issuperset(store.root.iterdir())


def protect(store: "Store", *, whole: bool = False) -> None:
    """Keep everybody but its user out of what a store has made, also where it was open before.

    What belongs to somebody else, or lies on a file system without such rights, is left as it is; `open_to_others`
    tells.

    Args:
        store: The store.
        whole: Close the folder itself, too.
    """
    for path in (*((store.root,) if whole else ()), *_own(store)):
        with suppress(OSError):  # not there
            mode = path.lstat().st_mode
            if mode & OTHERS and not path.is_symlink():
                path.chmod(mode & 0o7777 & ~OTHERS)


def open_to_others(store: "Store") -> list[Path]:
    """What anybody but its user may enter or read."""
    if not store.root.stat().st_mode & OTHERS:
        return []  # nobody comes through
    return [path for path in _own(store) if path.exists() and path.stat().st_mode & OTHERS]


def _own(store: "Store") -> Iterator[Path]:
    """What a store has made itself, at its top and in Prefect's home."""
    files = ("studio.json", "served.json", "reserve", "shared.json", "people.json", "mlflow-version", FILE)
    top = ("logs", "copies", *files)
    yield from (*store.folders, *(store.root / name for name in top))
    yield from (*store.root.glob("mlflow.db*"), *store.prefect.glob("*.db*"), *(store.root / "logs").glob("*.log"))
