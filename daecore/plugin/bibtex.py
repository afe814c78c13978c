"""BibTeX, as far as a source needs it: entries with a key and the fields that every citation has.

Knows braces and fields. Does not know LaTeX, strings, nor which styles there are.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from daecore.errors import InputError, quote

START = re.compile(r"@(?P<type>[A-Za-z]+)\s*\{\s*(?P<key>[^\s,{}=]+)\s*,")
FIELD = re.compile(r"(?<![\w-])([A-Za-z][\w-]*)\s*=\s*")  # from its first letter on: else a long word takes long
BRACE = re.compile("[{}]")
MOST_CHARACTERS = 200_000  # a thesis cites less
REQUIRED = ("author", "title", "year")


@dataclass(frozen=True)
class Entry:
    """One entry.

    Attributes:
        key: By which it is cited.
        text: The whole of it, as it was written.
        fields: The names of its fields, in small letters.
    """

    key: str
    text: str
    fields: tuple[str, ...]


def entries(text: str) -> tuple[Entry, ...]:
    """The entries of a BibTeX text, in their order; what stands between them is left out.

    Args:
        text: As a ``.bib`` file holds it; empty for none.

    Raises:
        InputError: It is no BibTeX: braces do not close, a key comes twice, or an entry lacks author, title or year.
    """
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"This BibTeX has {len(text):,} characters, and at most {MOST_CHARACTERS:,} are read.")
    found = tuple(_entries(text))
    keys = Counter(entry.key for entry in found)
    if text.strip() and not found:
        raise InputError(f"{quote(text)} is no BibTeX: an entry is written @article{{key, author = {{...}}, ...}}.")
    for entry in found:
        if keys[entry.key] > 1:
            raise InputError(f"The BibTeX key {quote(entry.key)} stands there twice. Give each entry a key of its own.")
        missing = [name for name in REQUIRED if name not in entry.fields]
        if missing:
            said = f"needs {', '.join(REQUIRED)}, and has no {' and no '.join(missing)}"
            raise InputError(f"The BibTeX entry {quote(entry.key)} {said}.")
    return found


def _entries(text: str) -> Iterator[Entry]:
    position = 0
    while start := START.search(text, position):
        position = _closing_brace(text, text.index("{", start.start()), start["key"])
        body = text[start.end() : position - 1]
        yield Entry(start["key"], text[start.start() : position], tuple(_fields(body, start["key"])))


def _fields(body: str, key: str) -> Iterator[str]:
    """The names before each value; a value in braces is skipped whole."""
    position = 0
    while field := FIELD.search(body, position):
        yield field[1].lower()
        braced = body[field.end() : field.end() + 1] == "{"
        end = _closing_brace(body, field.end(), key) if braced else body.find(",", field.end())
        position = end if end >= 0 else len(body)


def _closing_brace(text: str, opening: int, key: str) -> int:
    """The position after the brace that closes the one at ``opening``."""
    depth = 0
    for brace in BRACE.finditer(text, opening):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.end()
    raise InputError(f"The BibTeX entry {quote(key)} does not end: a brace is not closed. Close every {{ with a }}.")
