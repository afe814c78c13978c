"""Sign-in: nothing behind it is reached without a password; guessing is slow, and keeps nobody else out."""

import asyncio
import base64
import time
from pathlib import Path
from typing import Any

import pytest
from daecore_flows.guard import sign_in
from daecore_flows.guard.people import People
from daecore_flows.guard.sign_in import SignIn

PASSWORD = "correct horse battery"


@pytest.fixture
def people(tmp_path: Path) -> People:
    found = People(tmp_path / "people.json")
    found.put("ada", PASSWORD)
    return found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "WRONG_SECONDS", 0.05)


class Behind:
    """An application that answers everything, and notes the headers it was asked with."""

    def __init__(self) -> None:
        self.asked: list[list[tuple[bytes, bytes]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope.get("headers", []))
        await send({"type": "http.response.start", "status": 200, "headers": []})


def basic(name: str, password: str) -> tuple[bytes, bytes]:
    return b"Authorization", b"Basic " + base64.b64encode(f"{name}:{password}".encode())


async def ask(door: SignIn, *headers: tuple[bytes, bytes], kind: str = "http") -> dict[str, Any]:
    """The beginning of the answer."""
    got: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        got.append(message)

    await door({"type": kind, "method": "GET", "path": "/", "headers": list(headers)}, None, send)  # type: ignore[arg-type]
    return got[0]


def statuses(door: SignIn, *requests: list[tuple[bytes, bytes]]) -> list[int]:
    async def all_of_them() -> list[int]:
        return [answer["status"] for answer in await asyncio.gather(*(ask(door, *it) for it in requests))]

    return asyncio.run(all_of_them())


def test_somebody_is_let_in_and_his_password_stays_at_the_door(people: People) -> None:
    """What lies behind could write it into a log."""
    behind = Behind()
    assert statuses(SignIn(behind, people), [basic("ada", PASSWORD), (b"host", b"lab")]) == [200]
    assert behind.asked == [[(b"host", b"lab")]]


@pytest.mark.parametrize(
    "headers",
    [
        [], [basic("ada", "wrong password")], [basic("nobody", PASSWORD)], [basic("", "")],
        [basic("ada", PASSWORD), basic("ada", PASSWORD)], [(b"authorization", b"Bearer token")],
        [(b"authorization", b"Basic !!!")], [(b"authorization", b"Basic")], [(b"authorization", b"Basic " + b"\xff")],
        [(b"authorization", b"Basic " + base64.b64encode(b"no colon"))],
        [(b"authorization", b"Basic " + base64.b64encode(b"\xff:\xff"))], [basic("ada", "a" * 100_000)],
    ],
)  # fmt: skip
def test_nobody_else_is(people: People, headers: list[tuple[bytes, bytes]]) -> None:
    """Browsers are told to ask for a password."""
    behind = Behind()
    answer = asyncio.run(ask(SignIn(behind, people), *headers))
    assert answer["status"] == 401
    assert (b"www-authenticate", b'Basic realm="daecore", charset="UTF-8"') in answer["headers"]
    assert behind.asked == []


def test_a_websocket_without_a_password_is_closed(people: People) -> None:
    door = SignIn(Behind(), people)
    assert asyncio.run(ask(door, kind="websocket"))["type"] == "websocket.close"
    assert asyncio.run(ask(door, basic("ada", PASSWORD), kind="websocket"))["type"] == "http.response.start"


def test_who_was_let_in_is_not_looked_at_again_until_the_people_change(people: People) -> None:
    """A page asks for a hundred files, and a password takes a tenth of a second."""
    door, ada = SignIn(Behind(), people), [basic("ada", PASSWORD)]
    statuses(door, ada)
    began = time.monotonic()
    assert statuses(door, *[ada] * 100) == [200] * 100
    assert time.monotonic() - began < 0.5
    people.remove("ada")
    assert statuses(door, ada) == [401]


def test_guessing_is_slow_and_keeps_nobody_out_who_is_known(people: People) -> None:
    """One guess after the other; who comes when too many wait is sent away at once."""
    door, ada = SignIn(Behind(), people), [basic("ada", PASSWORD)]
    statuses(door, ada)
    guesses = [[basic("ada", f"guess number {number}")] for number in range(30)]
    began = time.monotonic()
    found = statuses(door, *guesses, ada)
    assert found[-1] == 200
    assert found.count(401) == sign_in.MOST_WAITING
    assert found.count(429) == 30 - sign_in.MOST_WAITING
    assert time.monotonic() - began > sign_in.MOST_WAITING * sign_in.WRONG_SECONDS
