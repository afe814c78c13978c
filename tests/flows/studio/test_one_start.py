"""Servers of one store that begin at once: one after the other, and none waits for one that failed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from daecore_flows.store.locks import FolderLock
from daecore_flows.studio.one_start import OneStart


class Beginning:
    """An application that notes when it begins and has begun."""

    def __init__(self, notes: list[str], name: str, error: type[Exception] | None = None) -> None:
        self.notes, self.name, self.error = notes, name, error

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            self.notes.append(f"{self.name} begins")
            await asyncio.sleep(0.05)
            if self.error is not None:
                raise self.error
            self.notes.append(f"{self.name} has begun")
            await send({"type": "lifespan.startup.complete"})
            await asyncio.sleep(0.5)  # it serves
            await send({"type": "lifespan.shutdown.complete"})
        else:
            self.notes.append(scope["type"])


async def _nothing(*_: Any) -> None:
    pass


def begin(folder: Path, *applications: Beginning) -> None:
    async def all_at_once() -> None:
        made = [OneStart(each, lambda: FolderLock(folder / "start.lock")) for each in applications]
        calls = [each({"type": "lifespan"}, _nothing, _nothing) for each in made]
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(all_at_once())


def test_the_second_begins_when_the_first_has_begun(tmp_path: Path) -> None:
    """It does not wait until the first one ends."""
    notes: list[str] = []
    begin(tmp_path, *(Beginning(notes, name) for name in "ab"))
    assert sorted(notes[:2]) == sorted([f"{notes[0][0]} begins", f"{notes[0][0]} has begun"])
    assert len(notes) == 4


def test_one_that_fails_lets_the_next_begin(tmp_path: Path) -> None:
    notes: list[str] = []
    begin(tmp_path, Beginning(notes, "a", ValueError), Beginning(notes, "b"))
    assert notes == ["a begins", "b begins", "b has begun"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_requests_pass(kind: str, tmp_path: Path) -> None:
    notes: list[str] = []
    one = OneStart(Beginning(notes, "a"), lambda: FolderLock(tmp_path / "lock"))
    asyncio.run(one({"type": kind}, _nothing, _nothing))
    assert notes == [kind]
