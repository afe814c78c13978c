"""Parsers of what a browser sends to the guard: the header by which somebody signs in."""

import asyncio
import base64
from pathlib import Path
from unittest.mock import patch

from daecore_flows.guard import people, sign_in
from daecore_flows.guard.asgi import Message, Scope
from fuzzed import Parser

NAME, PASSWORD = "ann", "correct horse é"
CHEAP = 2  # of scrypt: a tenth of a second each is what guessing is to cost, and no part of reading


async def _answer(guarded: sign_in.SignIn, header: bytes) -> list[int]:
    """The statuses that two equal requests get; 0 for each that reaches the application."""
    found: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.append(message["status"])

    for _ in range(2):  # the second one is known, if the first was let in
        scope: Scope = {"type": "http", "client": ("192.0.2.1", 1), "headers": [(b"Authorization", header)]}
        await guarded(scope, receive, send)
    return found


def _sign_in(content: bytes, room: Path) -> object:
    """As a browser's header is read; only who is known comes to the application, and without the header."""
    reached: list[int] = []

    async def application(scope: Scope, receive: object, send: object) -> None:
        assert scope["headers"] == []
        reached.append(0)

    with patch.object(people, "COST", CHEAP), patch.object(sign_in, "WRONG_SECONDS", 0):
        known = people.People(room / "people.json")
        known.put(NAME, PASSWORD)
        refused = asyncio.run(_answer(sign_in.SignIn(application, known), content))
    assert len(refused) + len(reached) == 2
    assert set(refused) <= {sign_in.UNAUTHORIZED}
    if reached:
        assert base64.b64decode(content[6:].strip()).decode() == f"{NAME}:{PASSWORD}"
    return bool(reached)


def _headers(room: Path) -> list[bytes]:
    pairs = (f"{NAME}:{PASSWORD}", f"{NAME}:wrong", "nobody:x", ":", "a:b:c", f"{NAME}:" + "x" * 2000)
    return [b"Basic " + base64.b64encode(pair.encode()) for pair in pairs]


def _repair(content: bytes) -> bytes:
    """Base64 again, of what can be read of it."""
    try:
        plain = base64.b64decode(content[6:] + b"==")
    except ValueError:
        plain = content[6:]
    return b"Basic " + base64.b64encode(plain)


PARSERS = (
    Parser("sign_in", _sign_in, _headers, (b"Basic ", b"basic ", b"Bearer ", b"=", b"==", b"Og==", b"\0", b" ", b"\t",
        b"4oCu", b"/w==", b"7aCA"), _repair),
)  # fmt: skip
