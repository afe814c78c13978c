"""The public door: a server's pages for other machines, by HTTPS and for people with a password.

It is a second door of the same process. The first one, on the loopback address, stays what it is: the runner and
commands use it. Knows uvicorn, which is imported by the process that serves.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .application import Guard
from .asgi import Application, Message, Receive, Scope, Send
from .people import People
from .sign_in import SignIn

if TYPE_CHECKING:
    import uvicorn

DOOR = "DAE_PUBLIC_DOOR"  # in the environment of a server that has one
STARTED = "lifespan.startup.complete"
GRACE_SECONDS = 3  # for what is being answered when the studio ends


@dataclass(frozen=True)
class Door:
    """Where a server answers other machines.

    Attributes:
        host: The address of this machine; ``0.0.0.0`` for all of them.
        port: The port there.
        certificate: A file: the certificate, and those that sign it.
        key: A file: its private key.
        people: The file of people.
    """

    host: str
    port: int
    certificate: str
    key: str
    people: str

    def environment(self) -> dict[str, str]:
        """What the process is told that is to have it."""
        return {DOOR: json.dumps(asdict(self))}


def with_public_door(guarded: Callable[[bool], Guard]) -> Application:
    """An application behind its guard, and behind another one for other machines if this process is to have it.

    Args:
        guarded: Gives it behind a guard: that for other machines, or not.
    """
    local = guarded(False)
    if DOOR not in os.environ:
        return local
    door = Door(**json.loads(os.environ[DOOR]))
    return _TwoDoors(local, SignIn(guarded(True), People(Path(door.people))), door)


class _TwoDoors:
    """The first door's application; while it lives, the second door is open."""

    def __init__(self, local: Application, public: Application, door: Door) -> None:
        self._local, self._public, self._door = local, public, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of the first door, or one connection; begin, and end."""
        if scope["type"] != "lifespan":
            await self._local(scope, receive, send)
            return
        server, serving = _server(self._public, self._door), list[asyncio.Task[None]]()

        async def begun(message: Message) -> None:
            if message["type"] == STARTED:
                serving.append(asyncio.create_task(server.serve()))
            await send(message)

        try:
            await self._local(scope, receive, begun)
        finally:
            server.should_exit = True
            await asyncio.gather(*serving)


def _server(application: Application, door: Door) -> "uvicorn.Server":
    import uvicorn

    class Second(uvicorn.Server):
        """A server beside the process's own, to which signals go."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Leave them to the first one."""
            yield

    return Second(
        uvicorn.Config(
            application, host=door.host, port=door.port, ssl_certfile=door.certificate, ssl_keyfile=door.key,
            lifespan="off", log_level="warning", proxy_headers=False, server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )  # fmt: skip
