"""Telling MLflow what a journal holds: metrics, pictures, and how a run ended; each once, whoever tells it.

Told twice is told once: a metric keeps its time and a picture its name, and MLflow keeps one of each.
"""

import base64
import logging
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from PIL import UnidentifiedImageError

from daecore.errors import in_a_line

from ..journal import Entry, Journal, journal_path, journals
from ..store import Store
from .connection import client
from .files import log_picture_file
from .search import exists
from .values import BATCH, history, tag

METRICS, PICTURE, END = "metrics", "picture", "end"  # the kinds of entries
ENDS = ("FINISHED", "FAILED", "KILLED")
OPEN = ("RUNNING", "KILLED")  # states of a run of which nobody else has said how it ended
POLL_SECONDS = 0.05
INVALID = "INVALID_PARAMETER_VALUE"
log = logging.getLogger("daecore.progress")


def end_later(run_id: str, status: str, why: str, store: Store) -> None:
    """Keep how a run ended, where MLflow cannot be told."""
    with closing(wait_for(journal_path(store.root, run_id))) as journal:
        journal.append({END: status, "why": why})


def tell_left(store: Store) -> Iterator[tuple[str, int]]:
    """Tell what processes left behind that have ended: each run, and how much was told.

    Raises:
        MlflowAway: MLflow has not answered for long.
    """
    for path in journals(store.root):
        with suppress(BlockingIOError), closing(Journal(path)) as journal:  # a living process tells it
            yield path.stem, tell_again(path.stem, journal, end=True)


def wait_for(path: Path) -> Journal:
    """The journal, once nobody else holds it: `tell_left` does for a moment."""
    while True:
        with suppress(BlockingIOError):
            return Journal(path)
        time.sleep(POLL_SECONDS)


def tell_again(run_id: str, journal: Journal, *, end: bool) -> int:
    """Tell what an earlier process had not; how many entries there were. What is of a removed run is let go.

    A step that MLflow knows is left out: whoever went on with the training on another machine has told it.

    Args:
        run_id: The run.
        journal: Its journal.
        end: Whether to tell how it ended: not where it goes on.
    """
    left = journal.waiting
    there = bool(left) and exists(run_id)
    known = set(history(run_id, "loss")) if there else set[int]()
    for entry in left:
        if there and (end or END not in entry):
            _tell_or_leave(run_id, entry, known)
        journal.note_told()
    return len(left)


def _tell_or_leave(run_id: str, entry: Entry, known: set[int]) -> None:
    """Tell one; what nobody can tell, because somebody has written it, does not keep back what follows."""
    try:
        tell(run_id, _lacking(entry, known))
    except (KeyError, TypeError, ValueError, AttributeError, UnidentifiedImageError) as error:
        log.warning("an entry of the journal of run %s is none (%s); it is left out", run_id, in_a_line(repr(error)))
    except MlflowException as error:
        if error.error_code != INVALID:
            raise
        log.warning("MLflow takes no such entry of run %s (%s); it is left out", run_id, in_a_line(str(error)))


def _lacking(entry: Entry, known: set[int]) -> Entry:
    """An entry without the epochs that MLflow knows."""
    if METRICS not in entry:
        return entry
    steps = {step: it for step, it in entry[METRICS].items() if int(step) not in known or "loss" not in it}
    return {**entry, METRICS: steps}


def tell(run_id: str, entry: Entry) -> None:
    """Tell MLflow one entry."""
    if METRICS in entry:
        found = [
            Metric(key, value, entry["time"], int(step))
            for step, metrics in entry[METRICS].items()
            for key, value in metrics.items()
        ]
        for begin in range(0, len(found), BATCH):
            client().log_batch(run_id, metrics=found[begin : begin + BATCH])
    elif PICTURE in entry:
        log_picture_file(run_id, base64.b64decode(entry["png"]), entry[PICTURE])
    elif entry[END] not in ENDS:
        raise ValueError(f"{entry[END]!r} is no end of a run")
    elif client().get_run(run_id).info.status in OPEN:
        if entry["why"]:
            tag(run_id, {"dae.error": entry["why"]})
        client().set_terminated(run_id, entry[END])
