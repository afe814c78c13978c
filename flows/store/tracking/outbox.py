"""Outbox: what a training has to tell MLflow, kept in a journal on the disk, and told in order by a thread.

So a training does not wait for MLflow, nor for its absence. Told twice is told once: metrics keep their times and
pictures their names. What is left when a process ends is told by the next one that goes on with the run, or by
`tell_left`.
"""

import base64
import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from contextvars import copy_context
from io import BytesIO
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any

import numpy as np
from mlflow.entities import Metric
from numpy.typing import NDArray
from PIL import Image

from ... import interrupts
from ..journal import Entry, Journal, journal_path, journals
from ..store import Store
from .connection import client
from .files import log_picture_file, picture_name
from .patient_client import MlflowAway, outage
from .search import exists
from .values import BATCH, history, tag

METRICS, PICTURE, END = "metrics", "picture", "end"  # the kinds of entries
OPEN = ("RUNNING", "KILLED")  # states of a run of which nobody else has said how it ended
POLL_SECONDS, RETRY_SECONDS, HURRY_SECONDS = 0.05, 2.0, 5.0
_OVER = object()


class Outbox:
    """What is told of one run while a block computes; at its end all of it has been told, or is in the journal.

    Args:
        run_id: The run.
        store: Where the journal lies.
    """

    def __init__(self, run_id: str, store: Store) -> None:
        self._run, self._lock = run_id, threading.Lock()
        self._journal = _wait_for(journal_path(store.root, run_id))
        self._waiting: SimpleQueue[Any] = SimpleQueue()
        self._left, self._closed = 0, False
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=copy_context().run, args=(self._tell_all,), name="outbox", daemon=True)

    def __enter__(self) -> "Outbox":
        _tell_again(self._run, self._journal, end=False)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Wait until all is told; after a failure only for a moment: the journal keeps it.

        Raises:
            MlflowAway: It could not be told for long.
            Exception: MLflow refuses it.
        """
        limit = time.monotonic() + HURRY_SECONDS
        self._waiting.put(_OVER)
        while self._thread.is_alive() and not (kind and time.monotonic() > limit):
            if outage.is_long:
                break
            self._thread.join(POLL_SECONDS)
        with self._lock:
            self._closed = True
            self._journal.close()
        if kind is None:
            self._require_told()

    def put_metrics(self, steps: Mapping[int, Mapping[str, float]]) -> None:
        """Tell the metrics of several steps; values that are not finite are left out, for MLflow stores them as others.

        Raises:
            OSError: The journal cannot be written.
        """
        found = {
            str(step): {key: float(value) for key, value in metrics.items() if math.isfinite(value)}
            for step, metrics in steps.items()
        }
        if any(found.values()):
            self._put({METRICS: found, "time": int(time.time() * 1000)})

    def put_picture(self, image: NDArray[np.uint8], key: str, step: int) -> None:
        """Tell a picture ``(H, W)`` or ``(H, W, 3)`` of the grid of images that compares runs.

        Raises:
            OSError: As above.
        """
        with BytesIO() as file:
            Image.fromarray(image).save(file, "PNG")
            png = base64.b64encode(file.getvalue()).decode()
        self._put({PICTURE: picture_name(key, step), "png": png})

    def _put(self, entry: Entry) -> None:
        if self._failed is not None:
            raise self._failed
        with self._lock:
            self._journal.append(entry)
            self._left += 1
        self._waiting.put(entry)

    def _tell_all(self) -> None:
        """In the thread: entry after entry, however long MLflow is away."""
        while (entry := self._waiting.get()) is not _OVER:
            while not self._failed:
                try:
                    _tell(self._run, entry)
                except MlflowAway as error:
                    if interrupts.was_interrupted():
                        self._failed = error
                    time.sleep(RETRY_SECONDS)
                except Exception as error:
                    self._failed = error
                else:
                    break
            if self._failed:
                return
            with self._lock:
                if self._closed:
                    return
                self._journal.note_told()
                self._left -= 1

    def _require_told(self) -> None:
        if self._failed is not None:
            raise self._failed
        if self._left:
            raise MlflowAway(
                f"MLflow has not answered for {outage.seconds:.0f} s, and {self._left} messages of the training wait "
                f"in {self._journal.path}. Its checkpoint is kept, too: see that MLflow is up, deliver them with `dae "
                "sync`, and give the same command again. It goes on where it was."
            )


def end_later(run_id: str, status: str, why: str, store: Store) -> None:
    """Keep how a run ended, where MLflow cannot be told."""
    with closing(_wait_for(journal_path(store.root, run_id))) as journal:
        journal.append({END: status, "why": why})


def tell_left(store: Store) -> Iterator[tuple[str, int]]:
    """Tell what processes left behind that have ended: each run, and how much was told.

    Raises:
        MlflowAway: MLflow has not answered for long.
    """
    for path in journals(store.root):
        with suppress(BlockingIOError), closing(Journal(path)) as journal:  # a living process tells it
            yield path.stem, _tell_again(path.stem, journal, end=True)


def _wait_for(path: Path) -> Journal:
    """The journal, once nobody else holds it: `tell_left` does for a moment."""
    while True:
        with suppress(BlockingIOError):
            return Journal(path)
        time.sleep(POLL_SECONDS)


def _tell_again(run_id: str, journal: Journal, *, end: bool) -> int:
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
            _tell(run_id, _lacking(entry, known))
        journal.note_told()
    return len(left)


def _lacking(entry: Entry, known: set[int]) -> Entry:
    """An entry without the epochs that MLflow knows."""
    if METRICS not in entry:
        return entry
    steps = {step: it for step, it in entry[METRICS].items() if int(step) not in known or "loss" not in it}
    return {**entry, METRICS: steps}


def _tell(run_id: str, entry: Entry) -> None:
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
    elif client().get_run(run_id).info.status in OPEN:
        if entry["why"]:
            tag(run_id, {"dae.error": entry["why"]})
        client().set_terminated(run_id, entry[END])
