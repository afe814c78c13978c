"""Addresses: what of a text may be said aloud. A password in an address may not, wherever the text comes from.

Knows how addresses, their queries and PostgreSQL's own settings are written. Does not know what is secret elsewhere.
"""

import re

# Between :// and @ stands the user, then the password, whatever is in it; behind HOST:PORT/ an @ is no part of that.
USER = re.compile(
    r"""([a-z][a-z0-9+.-]*)://([^\s:/?#@\["'<>]*)(:(?!\d+(?:[/?#]|$))[^\s"'<>]*|:[^\s/?#"'<>]*|)@""", re.I
)
IN_QUERY = (
    "password|passwd|pwd|token|secret|sig|signature|(?:api|access)?[-_]?key"
    "|x-amz-(?:signature|credential|security-token)"
)
KEYED = re.compile(rf"""((?:[?&](?:{IN_QUERY})|\b(?:password|passwd))=)[^\s&;"'<>]+""", re.I)
WEB = ("http", "https")  # where what stands before the @ may be a token, with nothing behind it


def without_password(text: str) -> str:
    """A text whose addresses lack their passwords; of the web's the user is left out, too.

    >>> without_password("postgresql://ada:secret@host/lab is away")
    'postgresql://ada@host/lab is away'
    >>> without_password("GET https://ada:secret@host/x?sig=abc&part=1")
    'GET https://host/x?sig=...&part=1'
    """
    if "://" in text:
        text = USER.sub(_without_user, text)
    return KEYED.sub(r"\1...", text) if "=" in text else text


def _without_user(found: re.Match[str]) -> str:
    scheme, user = found[1], found[2]
    return f"{scheme}://" if scheme.lower() in WEB or not user else f"{scheme}://{user}@"


def hide_passwords(error: BaseException) -> None:
    """Let an error, and those behind it, say nothing that `without_password` would not: it is kept and printed."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__, *(it for it in one.args if isinstance(it, BaseException))]
        waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else []
        one.args = tuple(without_password(it) if isinstance(it, str) else it for it in one.args)
        if isinstance(one, OSError) and isinstance(one.filename, str):
            one.filename = without_password(one.filename)
