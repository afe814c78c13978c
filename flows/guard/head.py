"""What we add to the head of a server's own pages: a rule of style, or a word to their scripts.

Knows ASGI and bytes, and nothing of what the pages show.
"""

import re
from dataclasses import dataclass

from .asgi import Application, Message, Receive, Scope, Send

END = b"</head>"


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
            plain = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"]
            await self.application({**scope, "headers": plain}, receive, _Adding(send, self.addition))
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
        headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await self.send({**start, "headers": [*headers, length]})
        await self.send({"type": "http.response.body", "body": body})


def _is_page(start: Message) -> bool:
    headers = {name.lower(): value for name, value in start["headers"]}
    return bool(start["status"] == 200 and headers.get(b"content-type", b"").startswith(b"text/html"))
