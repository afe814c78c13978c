"""Who may ask: a request is let through or refused by its Host, its Origin and its Content-Type alone."""

import asyncio
from typing import Any

import pytest
from daecore_flows.guard.application import Guard

JSON = ("content-type", "application/json")


def asked(
    application: Any,
    *headers: tuple[str, str],
    method: str = "POST",
    body: bytes = b"{}",
    path: str = "/api/x",
    kind: str = "http",
) -> list[dict[str, Any]]:
    """What is sent back to one request, or one connection."""
    length = [("content-length", str(len(body)))] if body else []
    scope = {"type": kind, "method": method, "path": path,
             "headers": [(name.encode(), value.encode()) for name, value in [*headers, *length]]}  # fmt: skip
    got: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        got.append(message)

    asyncio.run(application(scope, receive, send))
    return got


async def server(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers everything, with the body it was asked with."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": message["body"]})


def status(*headers: tuple[str, str], **request: Any) -> int:
    return int(
        asked(Guard(server, ("/upload/",), ("/closed",), tell_users_apart=False), *headers, **request)[0]["status"]
    )


@pytest.mark.parametrize("host", ["127.0.0.1:4200", "localhost", "LOCALHOST:15000", "[::1]:4200"])
def test_this_machine_by_any_of_its_names_and_ports_is_answered(host: str) -> None:
    """A tunnel has a port of its own."""
    assert status(("host", host), JSON) == 200
    assert status(("host", host), ("origin", f"http://{host}"), JSON) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example:4200", "127.0.0.1.evil.example", "localhost.", "127.0.0.2", "0.0.0.0:4200", "localhost:4200@evil",
     "", "localhost:", "::1", "localhost:123456"],
)  # fmt: skip
def test_every_other_host_is_refused_whatever_is_asked(host: str) -> None:
    """DNS rebinding: the page's name leads here, but it stays the page's name."""
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        assert status(("host", host), JSON, method=method) == 403
    assert status(("host", host), ("origin", f"http://{host}"), JSON) == 403


def test_no_host_and_two_hosts_are_refused() -> None:
    assert status(JSON) == 403
    assert status(("host", "localhost"), ("host", "evil.example"), JSON) == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", "http://localhost:1", "http://127.0.0.1:4200", "https://localhost:4200",
     "http://localhost:4200.evil.example", "file://"],
)  # fmt: skip
def test_another_page_is_refused_even_from_this_machine(origin: str) -> None:
    """`null` is what a sandboxed frame and a file have; another port, another name and TLS are other pages."""
    for method in ("GET", "OPTIONS", "POST"):
        assert status(("host", "localhost:4200"), ("origin", origin), JSON, method=method) == 403


def test_two_origins_are_refused() -> None:
    both = ("origin", "http://localhost"), ("origin", "http://evil.example")
    assert status(("host", "localhost"), *both, JSON) == 403


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"]
)
def test_a_body_that_may_change_something_is_json(kind: str | None) -> None:
    """The types of forms are what a browser sends without asking first."""
    headers = [("host", "localhost"), *([("content-type", kind)] if kind else [])]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert status(*headers, method=method) == 415
        assert status(*headers, method=method, body=b"") == 200
        assert status(*headers, method=method, path="/upload/weights") == 200
    assert status(*headers, ("transfer-encoding", "chunked"), body=b"") == 415
    assert status(*headers, method="GET") == 200


def test_json_may_name_its_characters() -> None:
    assert status(("host", "localhost"), ("content-type", "Application/JSON; charset=utf-8")) == 200


def test_a_websocket_is_opened_by_its_own_page_and_by_programs_alone() -> None:
    for headers, opened in (
        ([("host", "localhost:4200")], True),
        ([("host", "localhost:4200"), ("origin", "http://localhost:4200")], True),
        ([("host", "localhost:4200"), ("origin", "http://evil.example")], False),
        ([("host", "evil.example")], False),
    ):
        (answer,) = asked(Guard(server, tell_users_apart=False), *headers, kind="websocket")
        assert answer["type"] == ("websocket.accept" if opened else "websocket.close")


SEEN = {"same-origin": 200, "none": 200, "same-site": 403, "cross-site": 403, "": 403}


@pytest.mark.parametrize("site", SEEN)
def test_what_a_browser_asks_for_another_page_is_refused_without_an_origin_too(site: str) -> None:
    """A script, a frame, a blind `fetch`; a link may be followed, and a picture shown."""
    asks = [("host", "localhost"), ("sec-fetch-site", site)]
    for mode, wanted in (("no-cors", "script"), ("no-cors", "empty"), ("navigate", "iframe"), ("cors", "empty")):
        assert status(*asks, ("sec-fetch-mode", mode), ("sec-fetch-dest", wanted), method="GET") == SEEN[site]
    for mode, wanted in (("navigate", "document"), ("no-cors", "image")):
        headers = [*asks, ("sec-fetch-mode", mode), ("sec-fetch-dest", wanted)]
        assert status(*headers, method="GET") == 200
        assert status(*headers, JSON, method="POST") == SEEN[site]


def test_a_closed_part_is_not_there_for_anybody() -> None:
    assert status(("host", "localhost"), JSON, path="/closed/part") == 404
    assert status(("host", "localhost"), JSON, path="/open/closed") == 200


def test_a_refusal_says_what_came_and_what_is_taken() -> None:
    """One sentence, and of what came a hundred characters at most."""
    _, answer = asked(Guard(server, tell_users_apart=False), ("host", "evil.example" + "x" * 5000), JSON)
    assert b"'evil.example" in answer["body"]
    assert b"127.0.0.1, localhost and [::1]" in answer["body"]
    assert len(answer["body"]) < 300


def test_no_other_page_may_frame_what_is_answered_and_it_asks_nobody_else() -> None:
    start, _ = asked(Guard(server, tell_users_apart=False), ("host", "localhost"), JSON)
    headers = dict(start["headers"])
    assert headers[b"content-type"] == b"text/html"
    assert headers[b"x-frame-options"] == b"SAMEORIGIN"
    assert headers[b"content-security-policy"] == b"frame-ancestors 'self'; connect-src 'self' data: blob:"


def test_where_users_can_be_told_apart_nobody_is_not_answered() -> None:
    assert asked(Guard(server, tell_users_apart=True), ("host", "localhost"), JSON)[0]["status"] == 403


def public(*headers: tuple[str, str], **request: Any) -> int:
    """The status at a door for other machines."""
    guard = Guard(server, ("/upload/",), ("/closed",), public=True)
    return int(asked(guard, *headers, **request)[0]["status"])


def test_a_public_server_has_any_name_and_its_own_pages_alone() -> None:
    """Which names are its own, the certificate says to the browser; it asks no kernel who comes."""
    host = ("host", "lab.example:4200")
    assert public(host, JSON) == 200
    assert public(host, JSON, ("origin", "https://lab.example:4200")) == 200
    for origin in ("http://lab.example:4200", "https://lab.example", "https://evil.example", "null"):
        assert public(host, JSON, ("origin", origin)) == 403
    assert public(host, JSON, ("sec-fetch-site", "same-site")) == 403
    assert public(host, ("content-type", "text/plain")) == 415
    assert public(host, JSON, path="/closed/x") == 404
    assert public(host, host, JSON) == 403
    assert public(JSON) == 403


def test_what_lies_behind_a_public_server_sees_no_origin() -> None:
    """It knows none of the server's names, and would refuse its own page."""
    seen: list[list[tuple[bytes, bytes]]] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    asked(Guard(behind, public=True), ("host", "lab"), ("origin", "https://lab"), method="GET", body=b"")
    assert seen == [[(b"host", b"lab")]]
