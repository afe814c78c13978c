"""Sign-in: an application that answers people with a password, as browsers and both clients send it (RFC 7617).

Guessing is slow: one password is looked at after the other, a wrong one is answered after a while, and few of one
address are looked at together.
"""

import asyncio
import base64
import hashlib
import secrets
from binascii import Error as NotBase64
from collections import Counter

from .asgi import POLICY_VIOLATION, Application, Receive, Scope, Send, refuse, without
from .people import People

UNAUTHORIZED, BUSY = 401, 429
SAID = {
    UNAUTHORIZED: "Sign in with the name and the password that `dae people add` was given.",
    BUSY: "Too many others are signing in just now. Try again in a moment.",
}
ASK = (b"www-authenticate", b'Basic realm="daecore", charset="UTF-8"')
WRONG_SECONDS = 1.0  # before a wrong password is answered
MOST_WAITING = 8  # passwords from one address that are looked at or waited for; further ones are sent away


class SignIn:
    """An ASGI application before another one, which nobody reaches without a name and a password.

    Who was let in is known for as long as the file of people stays as it is: a digest of what he sent, made with a key
    that this process alone has.

    Args:
        application: The one behind it.
        people: Who may come in.
    """

    def __init__(self, application: Application, people: People) -> None:
        self._application, self._people = application, people
        self._key, self._known, self._state = secrets.token_bytes(32), set[bytes](), people.state
        self._turn, self._waiting = asyncio.Lock(), Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one connection."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        status = await self._status(scope)
        if status is None:
            # What lies behind has no use for the password, and cannot keep it in a log.
            await self._application(without(scope, b"authorization"), receive, send)
        elif scope["type"] == "http":
            await refuse(send, status, SAID[status], *([ASK] if status == UNAUTHORIZED else []))
        else:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "Sign in first."})

    async def _status(self, scope: Scope) -> int | None:
        """Why somebody is sent away; None where he is let in."""
        given = _given(scope)
        if given is None:
            return UNAUTHORIZED
        if self._state != self._people.state:
            self._state, self._known = self._people.state, set()
        mark = hashlib.blake2b(b"\0".join(part.encode() for part in given), key=self._key).digest()
        if mark in self._known:
            return None
        address = str((scope.get("client") or ("",))[0])
        if self._waiting[address] >= MOST_WAITING:
            return BUSY
        self._waiting[address] += 1
        try:
            return None if await self._is_let_in(given, mark) else await _wrong()
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]

    async def _is_let_in(self, given: tuple[str, str], mark: bytes) -> bool:
        """Look at a password, one after the other; who was let in stays so while the people are the same."""
        async with self._turn:
            if mark in self._known:
                return True
            state = self._people.state
            admitted = await asyncio.to_thread(self._people.admits, *given)
            if admitted and state == self._state == self._people.state:
                self._known.add(mark)
            return admitted


async def _wrong() -> int:
    await asyncio.sleep(WRONG_SECONDS)
    return UNAUTHORIZED


def _given(scope: Scope) -> tuple[str, str] | None:
    """The name and the password of a request."""
    sent = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    if len(sent) != 1 or sent[0][:6].lower() != b"basic ":
        return None
    try:
        name, colon, password = base64.b64decode(sent[0][6:].strip(), validate=True).decode().partition(":")
    except (NotBase64, ValueError):
        return None
    return (name, password) if colon else None
