"""What we add to the head of a server's own pages: a rule of style, or a word to their scripts.

Knows ASGI and bytes, and nothing of what the pages show.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .asgi import Application, Message, Receive, Scope, Send

END = b"</head>"
UNCHANGED = (b"if-none-match", b"if-modified-since")  # a request's: a browser has the page, maybe without the addition
OF_THE_FILE = (b"content-length", b"etag", b"last-modified")  # an answer's: true of the page as it was


@dataclass(frozen=True)
class Head:
    """An ASGI application, to whose pages something is added.

    Attributes:
        application: The one behind it.
        addition: HTML for the end of the head.
        pages: The paths of its pages, as a regular expression: files that users keep there are never changed.
    """

    application: Application
    addition: bytes
    pages: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one connection."""
        if scope["type"] == "http" and scope["method"] == "GET" and re.fullmatch(self.pages, scope["path"]):
            headers = _without(scope["headers"], b"accept-encoding", *(UNCHANGED if _asks_for_page(scope) else ()))
            await self.application({**scope, "headers": headers}, receive, _Adding(send, self.addition))
        else:
            await self.application(scope, receive, send)


class _Adding:
    """Sends an answer on; of a page it waits for the whole, whose length changes."""

    def __init__(self, send: Send, addition: bytes) -> None:
        self.send, self.addition = send, addition
        self.start: Message | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        """Take one message of the answer."""
        if message["type"] == "http.response.start" and _is_page(message):
            self.start = message
        elif message["type"] == "http.response.body" and self.start is not None:
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self.start)
        else:
            await self.send(message)

    async def _finish(self, start: Message) -> None:
        body = self.body.replace(END, self.addition + END, 1)
        headers = _without(start["headers"], *OF_THE_FILE)
        length = (b"content-length", str(len(body)).encode())
        await self.send({**start, "headers": [*headers, length]})
        await self.send({"type": "http.response.body", "body": body})


def _without(headers: Iterable[tuple[bytes, bytes]], *names: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in names]


def _asks_for_page(scope: Scope) -> bool:
    return any(name.lower() == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _is_page(start: Message) -> bool:
    headers = {name.lower(): value for name, value in start["headers"]}
    return bool(start["status"] == 200 and headers.get(b"content-type", b"").startswith(b"text/html"))
