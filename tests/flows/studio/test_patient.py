"""A request that found Prefect's database busy is tried again, and only such a one."""

import asyncio
from typing import Any

import pytest
from daecore_flows.studio.patient import Patient

POST = {"type": "http", "method": "POST"}


class Server:
    """An ASGI application that is busy at first; it keeps what it was asked."""

    def __init__(self, busy: int, status: int = 503) -> None:
        self.busy, self.status, self.asked = busy, status, []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.asked.append(body)
        status = self.status if len(self.asked) <= self.busy else 201
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body", "body": b"locked" if status != 201 else b"made"})
        if status != 201:
            raise RuntimeError("database is locked")  # as Starlette does, after the answer


def answered(server: Any, scope: Any, waits: tuple[float, ...] = (0, 0, 0)) -> list[Any]:
    """What a client gets that sends its body in two pieces."""
    parts = iter([(b"de", True), (b"noise", False)])
    got: list[Any] = []

    async def receive() -> Any:
        body, more = next(parts)
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(message: Any) -> None:
        got.append(message)

    async def ask() -> None:
        await Patient(server, waits)(scope, receive, send)

    try:
        asyncio.run(ask())
    except RuntimeError as error:
        got.append(error)
    return got


def test_a_busy_server_is_asked_the_same_again_and_the_client_gets_one_answer() -> None:
    server = Server(busy=2)
    start, body = answered(server, POST)
    assert server.asked == [b"denoise"] * 3
    assert (start["status"], body["body"]) == (201, b"made")


def test_a_server_that_stays_busy_is_believed_in_the_end() -> None:
    server = Server(busy=9)
    start, body, error = answered(server, POST)
    assert len(server.asked) == 4
    assert start["status"] == 503
    assert body["body"] == b"locked"
    assert str(error) == "database is locked"


@pytest.mark.parametrize(
    ("scope", "status"),
    [(POST, 500), (POST, 409), ({"type": "http", "method": "GET"}, 503), ({"type": "http", "method": "HEAD"}, 503)],
)
def test_no_other_answer_and_no_reading_is_tried_again(scope: Any, status: int) -> None:
    server = Server(busy=9, status=status)
    start, _, error = answered(server, scope)
    assert len(server.asked) == 1
    assert start["status"] == status
    assert isinstance(error, RuntimeError)


def test_a_websocket_and_the_lifespan_are_left_alone() -> None:
    """They get the client's own messages, not kept ones."""
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["type"], receive))

    for kind in ("websocket", "lifespan"):
        given = object()
        asyncio.run(Patient(application)({"type": kind}, given, None))  # type: ignore[arg-type]
        assert seen.pop() == (kind, given)
