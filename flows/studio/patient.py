"""Prefect's server as the studio runs it: a request that found the database busy is tried again before it is answered.

SQLite refuses at once to let a transaction write that has read before another one wrote. Prefect answers 503 then, with
nothing changed. Its own clients ask again; its page does not, and says "Oops" to whoever presses Submit beside a run.
"""

import asyncio
from dataclasses import dataclass, field

from ..guard.asgi import Application, Message, Receive, Scope, Send, may_change, read_request, replay

BUSY = 503
WAITS_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # before each further try


@dataclass
class Patient:
    """An ASGI application that asks another one again while that answers 503.

    Attributes:
        application: The other one. What it answers is kept until it is known whether it will do.
        waits: Seconds before each further try; after the last, the answer stands.
    """

    application: Application
    waits: tuple[float, ...] = WAITS_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one connection."""
        if not may_change(scope):  # what reads alone is never refused so
            await self.application(scope, receive, send)
            return
        asked = await read_request(receive)
        for wait in (*self.waits, None):
            answer = _Answer()
            error = await self._try_once(scope, replay(asked, receive), answer)
            if answer.status != BUSY or wait is None:
                break
            await asyncio.sleep(wait)
        for message in answer.messages:
            await send(message)
        if error is not None:
            raise error

    async def _try_once(self, scope: Scope, receive: Receive, answer: "_Answer") -> Exception | None:
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
