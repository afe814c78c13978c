"""Which error bars a run has: by level, a file in the store, kept in a tag of the run."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from daecore.errors import StoreError

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
    """The file of a run's error bars at this level; None where it has none, or they are gone, altered or not readable.

    What it was given when they were fitted comes first, then the copy among its own artifacts.
    """
    file = _known(run).get(f"{level:g}")
    noted = file.absolute(store) if file is not None and file.intact(store) else None
    if noted is not None and _holds(noted, level):
        return noted
    from daecore.trained.error_bars_file import NAME  # PyTorch is loaded here, and cleaning up needs none

    own = tracking.artifact(run.info.run_id, NAME)
    return own if _holds(own, level) else None


def folders_of_bars(run: Run) -> set[str]:
    """The result folders in which a run's error bars lie."""
    return {Path(file.path).parent.name for file in _known(run).values()}


def _holds(path: Path, level: float) -> bool:
    """Whether error bars at this level can be read from it."""
    from daecore.trained.error_bars_file import load_error_bars

    try:
        return abs(load_error_bars(path)[0].level - level) < 1e-9
    except StoreError:
        return False


def _known(run: Run) -> dict[str, FileRef]:
    """By level; a tag that somebody has changed says nothing."""
    try:
        return _KNOWN.validate_json(run.data.tags.get(TAG, "{}"))
    except ValidationError:
        return {}
