"""Sign-in: nothing behind it is reached without a password; guessing is slow, and keeps nobody else out."""

import asyncio
import base64
import time
from typing import Any

import pytest
from daecore_flows.guard import sign_in
from daecore_flows.guard.people import People
from daecore_flows.guard.sign_in import SignIn

PASSWORD = "correct horse battery"


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


async def ask(door: SignIn, *headers: tuple[bytes, bytes], kind: str = "http", client: str = "::1") -> dict[str, Any]:
    """The beginning of the answer."""
    got: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        got.append(message)

    scope = {"type": kind, "method": "GET", "path": "/", "headers": list(headers), "client": (client, 1)}
    await door(scope, None, send)  # type: ignore[arg-type]
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


def test_guessing_is_slow_and_keeps_nobody_out(people: People) -> None:
    """Who comes from elsewhere is let in, known or not; too many guesses of one address are sent away at once."""
    door, ada = SignIn(Behind(), people), basic("ada", PASSWORD)
    guesses = [[basic("ada", f"guess number {number}")] for number in range(30)]

    async def all_of_them() -> list[int]:
        from_one = [ask(door, *guess, client="192.0.2.1") for guess in guesses]
        answers = await asyncio.gather(*from_one, ask(door, ada, client="192.0.2.2"))
        return [answer["status"] for answer in answers]

    began = time.monotonic()
    found = asyncio.run(all_of_them())
    assert found[-1] == 200
    assert found.count(401) == sign_in.MOST_WAITING
    assert found.count(429) == 30 - sign_in.MOST_WAITING
    assert time.monotonic() - began > sign_in.WRONG_SECONDS


def test_who_is_removed_while_his_password_is_looked_at_is_not_remembered(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer that was under way is his last one."""
    admits = people.admits

    def slow(name: str, password: str) -> bool:
        found = admits(name, password)
        people.remove(name)
        return found

    door, ada = SignIn(Behind(), people), [basic("ada", PASSWORD)]
    monkeypatch.setattr(people, "admits", slow)
    assert statuses(door, ada) == [200]
    assert statuses(door, ada) == [401]
