"""Progress: how far a stage is, as a bar on Prefect's page."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from .workers.console import PROGRESS

EVERY_SECONDS = 2.0


LAST_WORD_SECONDS = 5.0


@contextmanager
def show_progress(key: str) -> Iterator[None]:
    """Show what a stage logs of its progress, as a bar with the latest words, while the block runs.

    Args:
        key: The artifact's key: small letters and dashes.
    """
    listener, logger = _Bar(key), logging.getLogger(PROGRESS)
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)
        listener.close()


class _Bar(logging.Handler):
    """A progress artifact, made at the first record and changed every few seconds; the last word is always shown.

    It is sent by threads of its own: a server that is busy for a minute holds up no training, and not its end.
    """

    def __init__(self, key: str) -> None:
        super().__init__(logging.INFO)
        self.key, self.artifact, self.shown = key, UUID(int=0), 0.0
        self.sent: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record of progress; what goes wrong in showing never stops the training."""
        if not hasattr(record, "progress"):
            return
        _, done, total = record.progress
        busy = self.sent is not None and self.sent.is_alive()
        if done < total and (busy or time.monotonic() - self.shown < EVERY_SECONDS):
            return
        self.shown = time.monotonic()
        run = copy_context()  # in it is the flow run that the artifact belongs to
        values = (self._show, record, 100 * done / total, self.sent)
        self.sent = threading.Thread(target=run.run, args=values, name="progress", daemon=True)
        self.sent.start()

    def close(self) -> None:
        """Send the last word, as long as that takes no longer than people wait."""
        if self.sent is not None:
            self.sent.join(LAST_WORD_SECONDS)
        super().close()

    def _show(self, record: logging.LogRecord, percent: float, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        text = record.getMessage()
        with suppress(Exception):  # a server that is away is told the next figure
            if self.artifact.int:
                update_progress_artifact(self.artifact, percent, text)
            else:
                self.artifact = create_progress_artifact(percent, self.key, text)  # type: ignore[assignment]
