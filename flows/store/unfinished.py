"""What was stopped on its way: what is to go on stays, and no run is left that is said to be under way."""

import re
import sys
from pathlib import Path

from . import unwritable
from .store import Store, current_store

KEY = re.compile(rb"[0-9a-f]{64}")  # of a stage
MLFLOW = "mlflow.tracking"  # once it is there, a run may be


def goes_on(folder: Path, store: Store) -> bool:
    """Whether a folder of results says of a training that was stopped and is to go on: it must stay."""
    files = store.files
    begun = (files.bring(path) for path in files.within(folder) if path.name.isdecimal())
    keys = (path.read_bytes() for path in begun if path.is_file())
    return any(files.holds(store.checkpoint(key.decode())) for key in keys if KEY.fullmatch(key))


def close_runs() -> None:
    """End what is still said to be under way in this process, which was interrupted or has failed.

    A run that an interrupt met while it began is known to MLflow, and to nobody here. Where the store is gone nothing
    can be written; the next command does it, should the store come back.
    """
    if MLFLOW in sys.modules and not unwritable.is_taken_away(current_store().root):
        from . import tracking

        tracking.abandon()
