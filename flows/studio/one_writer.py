"""Prefect's database as our servers use it: transactions that may write follow each other.

SQLite has one writer. Prefect opens a connection for each request and leaves the waiting to SQLite: not at all for a
transaction that has read before it writes, which ends as "database is locked"; a minute for others, each in a thread
of its own, where the server has been seen to stand still until the minute was over. Here a transaction waits for its
turn before it begins, and holds the database from its beginning.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from ..working_folder import replace

PATIENCE_SECONDS = 20.0  # for one's turn; whoever has waited so long begins as Prefect would, and SQLite decides

_turns: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]" = WeakKeyDictionary()
_has_turn: ContextVar[bool] = ContextVar("has_turn", default=False)


def rule() -> None:
    """From now on the transactions of this process's Prefect server follow each other."""
    from prefect.server.database.configurations import SQLITE_BEGIN_MODE, AioSqliteConfiguration

    @asynccontextmanager
    async def begin_transaction(_: object, session: Any, with_for_update: bool = False) -> AsyncIterator[Any]:
        async with turn() as ours:
            token = SQLITE_BEGIN_MODE.set("IMMEDIATE" if ours or with_for_update else "DEFERRED")
            try:
                async with session.begin() as transaction:
                    yield transaction
            finally:
                SQLITE_BEGIN_MODE.reset(token)

    replace(AioSqliteConfiguration, "begin_transaction", begin_transaction)


@asynccontextmanager
async def turn() -> AsyncIterator[bool]:
    """Wait for one's turn and hold it; yields whether it is ours: not inside another one, nor after too long a wait."""
    lock = _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    if _has_turn.get() or not await _acquire(lock):
        yield False
        return
    token = _has_turn.set(True)
    try:
        yield True
    finally:
        _has_turn.reset(token)
        lock.release()


async def _acquire(lock: asyncio.Lock) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await lock.acquire()
    except TimeoutError:
        return False
