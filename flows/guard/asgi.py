"""What wrappers around a server's application share: ASGI's types, a request read whole, an answer in plain text.

Written out here, so that who only names an application loads no web framework.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

POLICY_VIOLATION = 1008  # why a WebSocket is closed (RFC 6455, 7.4.1)
UNSAFE_METHODS = ("POST", "PUT", "PATCH", "DELETE")  # those that may change something (RFC 9110, 9.2.1)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def may_change(scope: Scope) -> bool:
    """Whether a request's method may change something."""
    return bool(scope["type"] == "http" and scope["method"] in UNSAFE_METHODS)


async def read_request(receive: Receive) -> list[Message]:
    """All messages of a request, read to the end of its body."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def replay(messages: list[Message], receive: Receive) -> Receive:
    """The request from its beginning; then whatever comes, as the end of the connection."""
    left = iter(messages)

    async def given() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return given


def without(scope: Scope, *names: bytes) -> Scope:
    """A request without some of its headers."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name.lower() not in names]}


async def refuse(send: Send, status: int, reason: str, *more: tuple[bytes, bytes]) -> None:
    """Answer a request with a status and one sentence.

    Args:
        send: Takes the answer.
        status: Of HTTP.
        reason: The sentence.
        more: Further headers.
    """
    body = f"{reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
