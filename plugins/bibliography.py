"""Bibliography: what the built-ins cite, kept as BibTeX beside this file and found by key.

Knows that an empty line separates entries. That they are BibTeX is a test's affair.

A file of its own, and no text in the modules: who mends a page number changes no code, and no result is computed anew.
"""

from functools import cache
from pathlib import Path


def cite(*keys: str) -> str:
    """The entries of these keys, as BibTeX."""
    return "\n\n".join(_read_entries()[key] for key in keys)


@cache
def _read_entries() -> dict[str, str]:
    text = Path(__file__).with_suffix(".bib").read_text(encoding="utf-8").strip()
    return {entry[entry.index("{") + 1 : entry.index(",")]: entry for entry in text.split("\n\n")}
