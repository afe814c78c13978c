"""Prefect's server as the studio runs it: a request that found the database busy is tried again before it is answered.

SQLite refuses at once to let a transaction write that has read before another one wrote. Prefect answers 503 then, with
nothing changed. Its own clients ask again; its page does not, and says "Oops" to whoever presses Submit beside a run.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

BUSY = 503
WAITS_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # before each further try
CHANGES = ("POST", "PUT", "PATCH", "DELETE")  # what reads alone is never refused so

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@dataclass
class Patient:
    """An ASGI application that asks another one again while that answers 503.

    Attributes:
        application: The other one. What it answers is kept until it is known whether it will do.
        waits: Seconds before each further try; after the last, the answer stands.
    """

    application: Application
    waits: tuple[float, ...] = WAITS_SECONDS

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or one connection."""
        if scope["type"] != "http" or scope["method"] not in CHANGES:
            await self.application(scope, receive, send)
            return
        asked = [await receive()]
        while asked[-1].get("more_body"):
            asked.append(await receive())
        for wait in (*self.waits, None):
            answer = _Answer()
            error = await self._tried(scope, _given(asked, receive), answer)
            if answer.status != BUSY or wait is None:
                break
            await asyncio.sleep(wait)
        for message in answer.messages:
            await send(message)
        if error is not None:
            raise error

    async def _tried(self, scope: MutableMapping[str, Any], receive: Receive, answer: "_Answer") -> Exception | None:
        """One try; what it raised, which Starlette does after it has answered."""
        try:
            await self.application({**scope, "state": dict(scope.get("state", {}))}, receive, answer)
        except Exception as error:
            return error
        return None


@dataclass
class _Answer:
    messages: list[Message] = field(default_factory=list)

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return next((message["status"] for message in self.messages if message["type"] == "http.response.start"), 0)


def _given(asked: list[Message], receive: Receive) -> Receive:
    """The request from its beginning; then whatever comes, as the end of the connection."""
    left = iter(asked)

    async def given() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return given


def create_app() -> Application:
    """The server's application, for uvicorn."""
    from prefect.server.api.server import create_app as create_server

    return Patient(create_server(final=True))
