"""A patient client of MLflow: it asks again where a database is busy, or where MLflow is away for a while.

MLflow is away while its server is started again or does not answer, or PostgreSQL is, or S3. A studio's server that
went for good leaves the store's database, which is asked directly then: `where` is looked up anew.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from random import uniform
from typing import Any

from mlflow.tracking import MlflowClient

from daecore.addresses import hide_passwords
from daecore.errors import StoreError, in_a_line

from ... import interrupts

LOCKED, ATTEMPTS = "database is locked", 8
AWAY = (  # in what is said where MLflow's server, PostgreSQL or S3 is being started again, or the way to it is cut
    "connection refused", "server closed the connection", "terminating connection", "is starting up",
    "is shutting down", "connection already closed", "ssl connection has been closed", "could not connect",
    "timeout expired", "max retries exceeded", "connection aborted", "failed with timeout exception",
    "connection reset", "too many 5", "connection was closed", "read timeout on endpoint",
)  # fmt: skip
PATIENCE = "DAE_MLFLOW_PATIENCE"  # in the environment: how many seconds it may be away
AWAY_SECONDS = 300.0  # by default, for who has something to lose
LOOK_SECONDS, TOLD_SECONDS = 30.0, 5.0  # for who only looks; until it is told
log = logging.getLogger("daecore.progress")


under_way: list[str] = []
"""This process's runs, the outermost first."""


class MlflowAway(StoreError):
    """MLflow has not answered for long; what was to be written was not."""


class Outage:
    """Since when MLflow has not answered, for all threads of this process."""

    def __init__(self) -> None:
        self._lock, self._since, self._told = threading.Lock(), 0.0, False
        self._hurried = False

    @property
    def seconds(self) -> float:
        """How long it has been so; 0 while it answers."""
        return time.monotonic() - self._since if self._since else 0.0

    @property
    def is_long(self) -> bool:
        """Whether nobody is to wait for it any longer: a process that works on a run has more patience."""
        patience = float(os.environ.get(PATIENCE) or AWAY_SECONDS) if under_way else LOOK_SECONDS
        return self._hurried or self.seconds > patience

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """A block that waits for nobody: its process was told to end."""
        self._hurried = True
        try:
            yield
        finally:
            self._hurried = False

    def begin(self) -> None:
        """Note that it did not answer; who waits is told, once, and not of moments."""
        with self._lock:
            self._since = self._since or time.monotonic()
            if not self._told and self.seconds > TOLD_SECONDS:
                self._told = True
                log.warning("MLflow does not answer; what is to be written there waits")

    def end(self) -> None:
        """Note that it has answered."""
        with self._lock:
            if self._told:
                log.warning("MLflow answers again, after %.0f s", self.seconds)
            self._since, self._told = 0.0, False


outage = Outage()


def is_away(message: str) -> bool:
    """Whether an error of MLflow's speaks of an outage."""
    return any(words in message.lower() for words in AWAY)


class PatientClient(MlflowClient):
    """A client that asks a busy database again, and MLflow when it is back.

    SQLite lets no transaction write that has read before another process wrote, and says at once that it is locked.
    What MLflow asked for is rolled back then, and can be asked for again.

    Args:
        uri: Where MLflow is.
        where: Where it is to be looked for next: another client, or this one.
    """

    def __init__(self, uri: str, where: Callable[[], "PatientClient"]) -> None:
        super().__init__(uri)
        self._where = where

    def __getattribute__(self, name: str) -> Any:
        """Its methods, patient."""
        found = super().__getattribute__(name)
        if name.startswith("_") or not callable(found):
            return found
        return _patient(found, lambda: super(PatientClient, self._where()).__getattribute__(name))


def _patient(ask: Callable[..., Any], elsewhere: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
    @wraps(ask)
    def ask_again(*values: Any, **named: Any) -> Any:
        attempts, once_more = ATTEMPTS, ask
        while True:
            try:
                found = once_more(*values, **named)
            except Exception as error:  # files go to a storage whose client has errors of its own
                hide_passwords(error)
                if not is_away(str(error)):
                    attempts -= 1
                    if LOCKED not in str(error) or not attempts:
                        raise
                    time.sleep(uniform(0.02, 0.5))
                    continue
                outage.begin()
                if outage.is_long or interrupts.was_interrupted():
                    raise _away(error) from None
                time.sleep(uniform(0.5, 1.5))
                once_more = elsewhere()
            else:
                if outage.seconds:
                    outage.end()
                return found

    return ask_again


def _away(error: Exception) -> MlflowAway:
    said, where = in_a_line(str(error))[:300], os.environ.get("MLFLOW_TRACKING_URI", "")
    return MlflowAway(
        f"MLflow at {where}, or where it keeps files, has not answered for {outage.seconds:.0f} s ({said}). What "
        "was trained is kept: see that MLflow is up, deliver what waits with `dae sync`, and give the same command "
        "again. It goes on where it was."
    )
