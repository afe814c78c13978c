"""Prefect's servers of one store begin one after the other: each brings the database up to date before it answers.

Two that make its tables at once end both, or one of them, with "Application startup failed".
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import AsyncFileLock

from ..guard.asgi import Application, Message, Receive, Scope, Send

POLL_SECONDS = 0.1  # how often one who waits looks whether it may begin


@dataclass
class OneStart:
    """An ASGI application that begins while no other one with the same lock does.

    Attributes:
        application: The one that begins.
        lock: Gives the file that is locked meanwhile; the kernel frees it when a process dies.
    """

    application: Application
    lock: Callable[[], Path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one connection; begin, and end."""
        if scope["type"] != "lifespan":
            await self.application(scope, receive, send)
            return
        path = self.lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        held = AsyncFileLock(path, thread_local=False, poll_interval=POLL_SECONDS, run_in_executor=False)
        await held.acquire()

        async def began(message: Message) -> None:
            await held.release()  # what comes later finds none
            await send(message)

        try:
            await self.application(scope, receive, began)
        finally:
            await held.release()
