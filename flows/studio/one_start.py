"""Prefect's servers of one store begin one after the other: each brings the database up to date before it answers.

Two that make its tables at once end both, or one of them, with "Application startup failed".
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass

from ..guard.asgi import Application, Message, Receive, Scope, Send
from ..store.locks import StoreLock

POLL_SECONDS = 0.1  # how often one who waits looks whether it may begin


@dataclass
class OneStart:
    """An ASGI application that begins while no other one with the same lock does.

    Attributes:
        application: The one that begins.
        lock: Gives the one that is held meanwhile.
    """

    application: Application
    lock: Callable[[], StoreLock]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one connection; begin, and end."""
        if scope["type"] != "lifespan":
            await self.application(scope, receive, send)
            return
        with ExitStack() as ours:
            lock = ours.enter_context(closing(self.lock()))
            while not lock.take():
                await asyncio.sleep(POLL_SECONDS)

            async def began(message: Message) -> None:
                ours.close()  # what comes later finds none
                await send(message)

            await self.application(scope, receive, began)
