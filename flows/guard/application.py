"""Guard: a server's application answers its own pages and its user's programs, no other page and no other user.

On this machine the servers ask nobody who he is; on others `sign_in` does. A page of the web that reaches them through
the user's browser is known

- by its Host: a page whose name was pointed at this machine (DNS rebinding) brings its own name;
- by its Origin, which a browser adds wherever a page could change something, or open a WebSocket;
- by its Sec-Fetch-Site, which a browser adds to everything;
- by its Content-Type: a form can be sent without the browser asking first, JSON cannot.

Another user of the machine is known by the socket he asks from. What is answered says that no other page may frame it,
and that its scripts connect to no other server: Prefect's and MLflow's would report home.

Knows ASGI and sockets, and nothing of what the applications do.
"""

import re
from dataclasses import dataclass, field

from . import peers
from .asgi import POLICY_VIOLATION, Application, Message, Receive, Scope, Send, may_change, refuse, without

HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)  # any port: a tunnel has its own
FRAMING = (b"x-frame-options", b"SAMEORIGIN")
POLICY = (b"content-security-policy", b"frame-ancestors 'self'; connect-src 'self' data: blob:")
FORBIDDEN, NOT_FOUND, UNSUPPORTED_TYPE = 403, 404, 415

Refusal = tuple[int, str]  # a status, and the reason in one sentence


@dataclass(frozen=True)
class Guard:
    """An ASGI application before another one.

    Attributes:
        application: The one behind it.
        uploads: Beginnings of paths where a body may be of any type, as files are.
        closed: Beginnings of paths that are not served.
        tell_users_apart: Whether other users are refused; where the kernel does not name them, they cannot be.
        public: Whether it is asked from other machines, by HTTPS, and who asks was found out before.
    """

    application: Application
    uploads: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    tell_users_apart: bool = field(default_factory=peers.can_tell_users_apart)
    public: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one connection."""
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            # What lies behind knows none of the names that a server has for other machines.
            passed = without(scope, b"origin") if self.public else scope
            await self.application(passed, receive, _with_headers(send))
        elif scope["type"] == "http":
            await refuse(send, *refusal)
        else:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal[1][:100]})

    def _refusal(self, scope: Scope) -> Refusal | None:
        if self.closed and scope["path"].startswith(self.closed):
            return NOT_FOUND, "This part of the server is switched off."
        other = another_user(scope) if self.tell_users_apart and not self.public else None
        return cross_origin(scope, public=self.public) or not_json(scope, self.uploads) or other


def cross_origin(scope: Scope, *, public: bool = False) -> Refusal | None:
    """Why a request is another page's: its Host is not this machine, or its Origin or Sec-Fetch-Site is foreign.

    Args:
        scope: Of the request.
        public: Whether the server has names of its own: which ones, its certificate says to the browser.
    """
    hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
    if len(hosts) != 1 or not (public or HOST.fullmatch(hosts[0])):
        answers = "one name at a time" if public else "127.0.0.1, localhost and [::1] alone"
        return FORBIDDEN, f"Host is {_quote(hosts)}: this server answers to {answers}."
    own = f"{'https' if public else 'http'}://{hosts[0]}"
    if origins and [origin.lower() for origin in origins] != [own.lower()]:
        return FORBIDDEN, f"Origin is {_quote(origins)}: this server answers no pages but its own, {own}."
    sites = _values(scope, b"sec-fetch-site")
    if not {site.lower() for site in sites} <= {"same-origin", "none"} and not _only_shown(scope):
        return FORBIDDEN, f"Sec-Fetch-Site is {_quote(sites)}: this server answers no pages but its own."
    return None


def _only_shown(scope: Scope) -> bool:
    """Whether a browser opens a link, or shows a picture as Prefect's page does MLflow's: neither can be read there."""
    mode, wanted = _values(scope, b"sec-fetch-mode"), _values(scope, b"sec-fetch-dest")
    reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    return reads and (wanted == ["image"] or (mode == ["navigate"] and wanted == ["document"]))


def not_json(scope: Scope, uploads: tuple[str, ...] = ()) -> Refusal | None:
    """Why a body that may change something is not taken: it does not say that it is JSON."""
    if not may_change(scope) or not _has_body(scope):
        return None
    types = [value.partition(";")[0].strip().lower() for value in _values(scope, b"content-type")]
    if types == ["application/json"] or (uploads and scope["path"].startswith(uploads)):
        return None
    return UNSUPPORTED_TYPE, f"Content-Type is {_quote(types)}: this server takes application/json."


def another_user(scope: Scope) -> Refusal | None:
    """Why nobody is answered: somebody else on this machine asks, or has gone already."""
    client, server = scope.get("client"), scope.get("server")
    if client and server and peers.is_ours(tuple(client), tuple(server)):
        return None
    return FORBIDDEN, "This server answers the user who started it."


def _has_body(scope: Scope) -> bool:
    return bool(_values(scope, b"transfer-encoding")) or _values(scope, b"content-length") not in ([], ["0"])


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for found, value in scope["headers"] if found.lower() == name]


def _quote(values: list[str]) -> str:
    return " and ".join(repr(value[:100]) for value in values) or "missing"


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [item for item in message.get("headers", ()) if item[0].lower() != FRAMING[0]]
            message = {**message, "headers": [*kept, FRAMING, POLICY]}  # of two policies, both hold
        await send(message)

    return sent
