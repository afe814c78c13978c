"""What is added to the heads of a server's pages: to those pages, and to nothing else."""

import asyncio
from typing import Any

import pytest
from daecore_flows.guard.head import Head

CACHED = [(b"If-None-Match", b'"1"'), (b"If-Modified-Since", b"Sat, 01 Nov 2025 00:00:00 GMT")]
PAGE = [b"<html><head><title>x</title></h", b"ead><body></head></body></html>"]


def answered(
    path: str,
    kind: str = "text/html; charset=utf-8",
    method: str = "GET",
    status: int = 200,
    accept: str = "text/html,*/*",
) -> list[Any]:
    """What comes of a browser's request to a server whose every answer is the same, in two parts."""
    sent: list[Any] = []
    asked: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        asked.append(dict(scope["headers"]))
        headers = [(b"Content-Type", kind.encode()), (b"Content-Length", str(sum(map(len, PAGE))).encode())]
        headers += [(b"ETag", b'"1"'), (b"Last-Modified", b"Sat, 01 Nov 2025 00:00:00 GMT")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE[0], "more_body": True})
        await send({"type": "http.response.body", "body": PAGE[1]})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(b"accept-encoding", b"gzip"), (b"Accept", accept.encode()), *CACHED],
    }
    asyncio.run(Head(application, b"<style></style>", r"/(?!api/).*")(scope, None, send))
    return [sent[0], b"".join(message["body"] for message in sent[1:]), asked[0]]


def test_a_page_has_the_addition_at_the_end_of_its_head() -> None:
    """Once, with the new length, and uncompressed; it may come in parts."""
    start, body, asked = answered("/deployments")
    assert body == b"<html><head><title>x</title><style></style></head><body></head></body></html>"
    assert dict(start["headers"])[b"content-length"] == str(len(body)).encode()
    assert [name.lower() for name, _ in start["headers"]] == [b"content-type", b"content-length"]
    assert set(asked) == {b"Accept"}


def test_a_browser_that_has_the_page_from_before_gets_it_anew() -> None:
    """Else its own, without the addition, would count as unchanged; scripts and pictures may stay where they are."""
    assert set(answered("/")[2]).isdisjoint(dict(CACHED))
    _, _, asked = answered("/assets/index.js", "text/javascript", accept="*/*")
    assert set(asked) >= set(dict(CACHED))


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/api/artifacts"}, {"path": "/", "kind": "application/json"}, {"path": "/", "method": "HEAD"},
        {"path": "/", "status": 404},
    ],
)  # fmt: skip
def test_nothing_else_is_changed(other: dict[str, Any]) -> None:
    """Neither what an API answers nor what a user keeps there."""
    start, body, _ = answered(**other)
    assert body == b"".join(PAGE)
    assert dict(start["headers"])[b"Content-Length"] == str(len(body)).encode()
    assert {b"ETag", b"Last-Modified"} <= set(dict(start["headers"]))
