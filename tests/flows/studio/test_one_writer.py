"""Prefect's SQLite database under many requests at once: transactions follow each other, and none is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from daecore_flows.studio import one_writer
from prefect.server.database.configurations import AioSqliteConfiguration

ADD = sa.text("UPDATE counter SET value = value + 1")


@pytest.fixture
def ruled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the rule replaces is put back after the test."""
    monkeypatch.setattr(AioSqliteConfiguration, "begin_transaction", AioSqliteConfiguration.begin_transaction)
    one_writer.rule()


def database(folder: Path, work: Callable[[Any], Any]) -> int:
    """Let work have a database with a counter, as Prefect opens it; what the counter is at in the end."""

    async def main() -> int:
        configuration = AioSqliteConfiguration(connection_url=f"sqlite+aiosqlite:///{folder}/one.db")
        engine = await configuration.engine()

        @asynccontextmanager
        async def transaction(**named: Any) -> AsyncIterator[Any]:
            session = await configuration.session(engine)
            async with session, configuration.begin_transaction(session, **named):
                yield session

        async with transaction() as session:
            await session.execute(sa.text("CREATE TABLE counter (value INTEGER)"))
            await session.execute(sa.text("INSERT INTO counter VALUES (0)"))
        await asyncio.wait_for(work(transaction), 30)
        async with transaction() as session:
            found = (await session.execute(sa.text("SELECT value FROM counter"))).scalar_one()
        await engine.dispose()
        return int(found)

    return asyncio.run(main())


async def add(transaction: Any) -> None:
    """Read, take a while, and write: what SQLite refuses where somebody else has written meanwhile."""
    async with transaction() as session:
        await session.execute(sa.text("SELECT value FROM counter"))
        await asyncio.sleep(0.01)
        await session.execute(ADD)


def test_transactions_that_read_before_they_write_follow_each_other(ruled: None, tmp_path: Path) -> None:
    """Without the rule all but one of them end as "database is locked"."""

    async def many(transaction: Any) -> None:
        await asyncio.gather(*(add(transaction) for _ in range(10)))

    assert database(tmp_path, many) == 10


def test_a_transaction_inside_another_one_does_not_wait_for_it(ruled: None, tmp_path: Path) -> None:
    """It begins as Prefect begins it, and may read."""

    async def nested(transaction: Any) -> None:
        async with transaction() as outer:
            async with transaction() as inner:
                await inner.execute(sa.text("SELECT value FROM counter"))
            await outer.execute(ADD)

    assert database(tmp_path, nested) == 1


def test_one_that_fails_hands_its_turn_on(ruled: None, tmp_path: Path) -> None:
    async def failing(transaction: Any) -> None:
        with pytest.raises(ZeroDivisionError):
            async with transaction():
                raise ZeroDivisionError
        await add(transaction)

    assert database(tmp_path, failing) == 1


def test_whoever_waits_too_long_for_its_turn_goes_on_without(
    ruled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn that is never handed on stops nobody for ever."""
    monkeypatch.setattr(one_writer, "PATIENCE_SECONDS", 0.05)

    async def late(transaction: Any) -> None:
        async with one_writer.turn():
            waiting = asyncio.create_task(_fresh(add, transaction))
            await waiting

    assert database(tmp_path, late) == 1


async def _fresh(work: Callable[[Any], Any], transaction: Any) -> None:
    """Work as a request does that came by itself: outside of whatever turn there is."""
    one_writer._has_turn.set(False)
    await work(transaction)
