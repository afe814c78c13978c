"""Which error bars a run has: by level, a file in the store, kept in a tag of the run."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from . import tracking
from .file_ref import FileRef
from .store import Store
from .tracking import Run

TAG = "error_bars"
_KNOWN = TypeAdapter(dict[str, FileRef])


def remember_bars(run_id: str, level: float, file: FileRef) -> None:
    """Note in a run which error bars it has at a level."""
    run = tracking.client().get_run(run_id)
    tracking.tag(run_id, {TAG: _KNOWN.dump_json({**_known(run), f"{level:g}": file}).decode()})


def bars_of(run: Run, level: float, store: Store) -> Path | None:
    """The file of a run's error bars at this level; None where it has none, or they are gone or altered."""
    file = _known(run).get(f"{level:g}")
    return file.absolute(store) if file is not None and file.intact(store) else None


def _known(run: Run) -> dict[str, FileRef]:
    """By level; a tag that somebody has changed says nothing."""
    try:
        return _KNOWN.validate_json(run.data.tags.get(TAG, "{}"))
    except ValidationError:
        return {}
