"""Outbox: what a training has to tell MLflow, kept in a journal on the disk, and told in order by a thread.

So a training does not wait for MLflow, nor for its absence. Told twice is told once: metrics keep their times and
pictures their names. What is left when a process ends is told by the next one that goes on with the run, or by
`telling.tell_left`.
"""

import base64
import math
import threading
import time
from collections.abc import Mapping
from contextvars import copy_context
from io import BytesIO
from queue import SimpleQueue
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from daecore.errors import StoreError

from ... import interrupts
from ..journal import journal_path
from ..store import Store
from .files import picture_name
from .message import Message, Metrics, Picture, entry_of
from .patient_client import MlflowAway, outage
from .telling import POLL_SECONDS, tell, tell_again, wait_for

RETRY_SECONDS, HURRY_SECONDS = 2.0, 5.0
_OVER = object()


class Outbox:
    """What is told of one run while a block computes; at its end all of it has been told, or is in the journal.

    Args:
        run_id: The run.
        store: Where the journal lies.
    """

    def __init__(self, run_id: str, store: Store) -> None:
        self._run, self._lock = run_id, threading.Lock()
        self._journal = wait_for(journal_path(store.root, run_id))
        self._waiting: SimpleQueue[Any] = SimpleQueue()
        self._left, self._closed = 0, False
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=copy_context().run, args=(self._tell_all,), name="outbox", daemon=True)

    def __enter__(self) -> "Outbox":
        try:
            self._require_heard()
        except BaseException:
            self._journal.close()  # else how the run ended could not be kept
            raise
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
        try:
            while self._thread.is_alive() and not (kind and time.monotonic() > limit):
                if outage.is_long:
                    break
                self._thread.join(POLL_SECONDS)
        finally:
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
            step: {key: float(value) for key, value in metrics.items() if math.isfinite(value)}
            for step, metrics in steps.items()
        }
        if any(found.values()):
            self._put(Metrics(metrics=found, time=int(time.time() * 1000)))

    def put_picture(self, image: NDArray[np.uint8], key: str, step: int) -> None:
        """Tell a picture ``(H, W)`` or ``(H, W, 3)`` of the grid of images that compares runs.

        Raises:
            OSError: As above.
        """
        with BytesIO() as file:
            Image.fromarray(image).save(file, "PNG")
            png = base64.b64encode(file.getvalue()).decode()
        self._put(Picture(picture=picture_name(key, step), png=png))

    def _put(self, message: Message) -> None:
        if self._failed is not None:
            raise self._failed
        with self._lock:
            place = self._journal.append(entry_of(message))
            self._left += 1
            self._waiting.put((place, message))

    def _tell_all(self) -> None:
        """In the thread: entry after entry, however long MLflow is away."""
        while (put := self._waiting.get()) is not _OVER:
            place, message = put
            while not self._failed:
                try:
                    tell(self._run, message)
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
                self._journal.note_told(place)
                self._left -= 1

    def _require_heard(self) -> None:
        """Tell what an earlier process had not: else the training would count too few epochs.

        Raises:
            StoreError: MLflow refuses some of it.
        """
        found = tell_again(self._run, self._journal, end=False)
        if found.kept:
            raise StoreError(
                f"What an earlier process had to tell MLflow of the run {self._run} was to be told before it goes on, "
                f"but MLflow does not take {found.kept} of it ({found.why}). It waits in {self._journal.path}: mend "
                "what MLflow says, or remove that file to go on without it, and give the same command again."
            )

    def _require_told(self) -> None:
        if self._failed is not None:
            raise self._failed
        if self._left:
            raise MlflowAway(
                f"MLflow has not answered for {outage.seconds:.0f} s, and {self._left} messages of the training wait "
                f"in {self._journal.path}. Its checkpoint is kept, too: see that MLflow is up, deliver them with `dae "
                "sync`, and give the same command again. It goes on where it was."
            )
