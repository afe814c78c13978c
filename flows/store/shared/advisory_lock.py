"""Locks of a shared store: PostgreSQL's advisory locks, each on a connection of its own.

The server frees one when its connection ends: at once where a process was killed, within a minute where a machine is
gone.
"""

import hashlib
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from daecore.errors import StoreError

from .database import ask, connect, speaking
from .location import SharedLocation

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

NAMED = "daecore lock "  # begins the name of a connection, by which the server tells who holds what
LONGEST_NAME = 63  # characters that PostgreSQL keeps

PATIENCE_SECONDS, POLL_SECONDS = 300.0, 2.0  # for a database that is away; how often it is asked meanwhile

log = logging.getLogger("daecore.progress")
_held: "set[AdvisoryLock]" = set()  # by this process


class AdvisoryLock:
    """A lock that any process of any machine may hold, under a name.

    Args:
        location: The store's.
        name: The lock's.
        shared: Whether others may hold it so as well.
    """

    def __init__(self, location: SharedLocation, name: str, *, shared: bool = False) -> None:
        self._location, self._name, self._held = location, name, False
        self._ask = f"SELECT pg_try_advisory_lock{'_shared' if shared else ''}(%s)"
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Whether it could be had, and is held now.

        Raises:
            StoreError: The database cannot be reached.
        """
        if self._connection is None:
            self._connection = connect(self._location, f"{NAMED}{self._name}"[:LONGEST_NAME])
        with speaking(self._location), self._connection.cursor() as cursor:
            cursor.execute(self._ask, (_number(self._name),))
            (taken,) = cursor.fetchone() or (False,)
        if taken:
            self._held = True
            _held.add(self)
        return bool(taken)

    def require(self) -> None:
        """See that it is still held; where the database was away it is taken again.

        Raises:
            StoreError: Somebody else has it by now, or the database stays away.
        """
        if self._connection is None or self._answers(self._connection, "SELECT 1"):
            return
        log.warning("the database is away, and with it the lock %s; waiting for it", self._name)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_back(last=time.monotonic() > deadline):
            time.sleep(POLL_SECONDS)
        if not self.take():
            raise StoreError(
                f"The database was away for a while, and another process holds {self._name} by now: it goes on with "
                "that. This one ends, and what it wrote until then is kept. Run the same again."
            )

    def _is_back(self, *, last: bool) -> bool:
        try:
            self._connection = connect(self._location, f"{NAMED}{self._name}"[:LONGEST_NAME])
        except StoreError:
            if last:
                raise
            return False
        return True

    def close(self) -> None:
        """Let others hold it from this moment, and give it up for good; who has lost it meanwhile is told.

        The end of a connection alone reaches the server a moment later.
        """
        if self._connection is None:
            return
        if self._held and not self._answers(self._connection, "SELECT pg_advisory_unlock_all()"):
            log.warning("the database was gone for a while, and nobody held %s meanwhile", self._name)
        with suppress(Exception):
            self._connection.close()
        self._connection, self._held = None, False
        _held.discard(self)

    @staticmethod
    def _answers(connection: "Connection", asked: str) -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute(asked)
        except Exception:  # of psycopg2; the lock ends with it
            return False
        return True


def require_held() -> None:
    """See that this process still holds what it holds: before it changes what others read.

    Raises:
        StoreError: See `AdvisoryLock.require`.
    """
    for lock in tuple(_held):
        lock.require()


def held_locks(location: SharedLocation) -> list[str]:
    """The names of the locks that are held, by whomever.

    Raises:
        StoreError: The database cannot be reached.
    """
    query = (
        "SELECT DISTINCT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE locktype = 'advisory' AND granted AND starts_with(application_name, %s)"
    )
    return sorted(name.removeprefix(NAMED) for (name,) in ask(location, query, NAMED))


def _number(name: str) -> int:
    """The name as PostgreSQL wants it: 64 bits, with a sign."""
    return int.from_bytes(hashlib.sha256(f"daecore {name}".encode()).digest()[:8], signed=True)
