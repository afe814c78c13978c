"""Telling MLflow what a journal holds: metrics, pictures, and how a run ended; each once, whoever tells it.

Told twice is told once: a metric keeps its time and a picture its name, and MLflow keeps one of each. What MLflow does
not take stays in the journal, and what follows it is told all the same.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from mlflow.entities import Metric, Run
from mlflow.exceptions import MlflowException

from daecore.errors import in_a_line

from ..journal import Entry, Journal, journal_path, journals
from ..store import Store
from . import heartbeat
from .connection import client, shown_uri
from .files import log_picture_file, picture_of, pictures
from .message import End, Message, Metrics, Picture, entry_of, message_of
from .patient_client import MlflowAway
from .search import run_of
from .values import BATCH, history, tag

LOSS = "loss"  # the figure that every epoch has
OPEN = ("RUNNING", "KILLED")  # states of a run of which nobody else has said how it ended
POLL_SECONDS = 0.05
INVALID = "INVALID_PARAMETER_VALUE"
log = logging.getLogger("daecore.progress")

Steps = Callable[[str], set[int]]  # those that MLflow has, of a name


@dataclass(frozen=True)
class Delivery:
    """What became of what a journal held.

    Attributes:
        run_id: Whose it is.
        told: How many messages are no longer in it.
        kept: How many wait on.
        why: Why they do, in a sentence's words; empty where none does.
    """

    run_id: str
    told: int = 0
    kept: int = 0
    why: str = ""


def end_later(run_id: str, status: str, why: str, store: Store) -> None:
    """Keep how a run ended by this process, where MLflow cannot be told."""
    with closing(wait_for(journal_path(store.root, run_id))) as journal:
        journal.append(entry_of(End.model_validate({"end": status, "why": why, "by": heartbeat.this_process()})))


def tell_left(store: Store) -> Iterator[Delivery]:
    """Tell what processes left behind that have ended, run by run: one that MLflow refuses keeps no other back.

    Raises:
        MlflowAway: MLflow has not answered for long.
    """
    for path in journals(store.root):
        with suppress(BlockingIOError), closing(Journal(path)) as journal:  # a living process tells it
            yield tell_again(path.stem, journal, end=True)


def wait_for(path: Path) -> Journal:
    """The journal, once nobody else holds it: `tell_left` does for a moment."""
    while True:
        with suppress(BlockingIOError):
            return Journal(path)
        time.sleep(POLL_SECONDS)


def tell_again(run_id: str, journal: Journal, *, end: bool) -> Delivery:
    """Tell what an earlier process had not. What is of a run that was removed, or is not known, waits on.

    A figure of an epoch that MLflow has is left out: whoever went on with the training elsewhere has told it.

    Args:
        run_id: The run.
        journal: Its journal.
        end: Whether to tell how it ended: not where it goes on.
    """
    if journal.damaged:
        log.warning("%d lines of the journal %s were altered; they are left out", journal.damaged, journal.path)
    left = journal.waiting
    if left and (why := _why_not(run_of(run_id))):
        return Delivery(run_id, kept=len(left), why=why)
    again, told, why = _Again(run_id, end=end), 0, ""
    for place, entry in left.items():
        if refusal := again.tell(entry):
            why = why or refusal
        else:
            journal.note_told(place)
            told += 1
    return Delivery(run_id, told, len(left) - told, why)


def _why_not(run: Run | None) -> str:
    """Why nothing can be told of a run; empty where it can."""
    if run is None:
        return f"MLflow at {shown_uri()} knows no such run; is it the one that the run was begun with?"
    if run.info.lifecycle_stage != "active":
        return "the run was removed; `dae rm --undo` brings it back, and `dae gc` lets go of this, too"
    return ""


class _Again:
    """Tells a run's entries of which MLflow may know some.

    Args:
        run_id: The run.
        end: Whether to tell how it ended.
    """

    def __init__(self, run_id: str, *, end: bool) -> None:
        self._run, self._end = run_id, end
        self._known: Steps = cache(lambda key: set(history(run_id, key)))
        self._pictured: Steps = cache(partial(pictures, run_id))

    def tell(self, entry: Entry) -> str:
        """Tell one, or leave it out for good where nobody can tell it; else why it must be told later."""
        try:
            self._tell(message_of(entry))
        except MlflowAway:
            if not self._end or not self._answers():
                raise
            return "MLflow answers, but not to this, or the storage of its files does not"
        except ValueError as error:
            said = in_a_line(str(error))
            log.warning("an entry of the journal of run %s is none (%s); it is left out", self._run, said)
        except Exception as error:  # MLflow's, of its storage's client, or the system's
            if not isinstance(error, MlflowException) or error.error_code != INVALID:
                return in_a_line(str(error)) or type(error).__name__
            log.warning("MLflow takes no such entry of run %s (%s); it is left out", self._run, in_a_line(str(error)))
        return ""

    def _tell(self, message: Message) -> None:
        if isinstance(message, Metrics):
            tell(self._run, self._lacking(message))
        elif isinstance(message, End):
            if self._end:
                tell(self._run, message)
        elif not self._has(message):
            tell(self._run, message)

    def _lacking(self, message: Metrics) -> Metrics:
        """The message without the figures of epochs that MLflow has; it has the others from now on."""
        epochs = [step for step, found in message.metrics.items() if LOSS in found]
        lacking = {
            step: {key: value for key, value in found.items() if LOSS not in found or step not in self._known(key)}
            for step, found in message.metrics.items()
        }
        for step in epochs:
            for key in lacking[step]:
                self._known(key).add(step)
        return message.model_copy(update={"metrics": lacking})

    def _has(self, message: Picture) -> bool:
        key, step = picture_of(message.picture) or ("", 0)
        return step in self._pictured(key)

    def _answers(self) -> bool:
        """Whether MLflow answers: it is not away then, but fails by this entry, or where it keeps files."""
        try:
            return run_of(self._run) is not None
        except MlflowAway:
            return False


def tell(run_id: str, message: Message) -> None:
    """Tell MLflow one message."""
    if isinstance(message, Metrics):
        found = [
            Metric(key, value, message.time, step)
            for step, metrics in message.metrics.items()
            for key, value in metrics.items()
        ]
        for begin in range(0, len(found), BATCH):
            client().log_batch(run_id, metrics=found[begin : begin + BATCH])
    elif isinstance(message, Picture):
        log_picture_file(run_id, message.file, message.picture)
    else:
        _tell_end(client().get_run(run_id), message)


def _tell_end(run: Run, message: End) -> None:
    """Say how a run ended, unless another process has taken it up since: that one says it."""
    worker = heartbeat.worker(run)
    if run.info.status not in OPEN or (message.by and worker and worker != message.by):
        return
    if message.why:
        tag(run.info.run_id, {"dae.error": message.why})
    client().set_terminated(run.info.run_id, message.end)
