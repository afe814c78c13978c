"""A store that was taken away under a command: its folder is gone, or may no longer be written.

Libraries say of it whatever their database says. Whether it is so is looked at, and not read out of their words.
"""

import os
from pathlib import Path

from .environment import ENTERED
from .layout import FILE

WORDS = ("readonly database", "unable to open database file", "disk i/o error", "no such table")
"""In what SQLite says of such a store."""


def is_taken_away(root: Path) -> bool:
    """Whether a store that was entered can be worked in no longer.

    Args:
        root: The store's folder.
    """
    return _is_gone(root) or _denied(root) is not None


def require_there(root: Path) -> None:
    """Refuse to believe that something was kept in a store that was entered and is gone: it lies in another folder.

    One that is renamed takes its open database along, and not the files that are written later.

    Raises:
        StoreError: The store is gone.
    """
    if os.environ.get(ENTERED) == str(root) and _is_gone(root):
        from daecore.errors import StoreError

        raise StoreError(sentence(root))


def sentence(root: Path) -> str:
    """What the user is told."""
    if _is_gone(root):
        return (
            f"The store {root} is gone: somebody removed or renamed it, or its disk is no longer there. What was in it "
            "goes on if it comes back; else the same command begins anew."
        )
    return (
        f"The store {root} may no longer be written: {_denied(root)} is read-only. Allow it again, and give the same "
        "command: it goes on where it was."
    )


def _is_gone(root: Path) -> bool:
    return not (root / FILE).is_file()


def _denied(root: Path) -> Path | None:
    """What of the store may not be written, if anything."""
    ours = (root, *(root / name for name in ("mlflow.db", "results", "artifacts", "checkpoints", "journal", "locks")))
    return next((path for path in ours if path.exists() and not os.access(path, os.W_OK)), None)
