"""Bibliography: what the built-ins cite, kept as BibTeX beside this file and found by key.

A file of its own, and no text in the modules: who mends a page number changes no code, and no result is computed anew.
"""

from functools import cache
from pathlib import Path

from daecore.plugin.bibtex import entries


def cited(*keys: str) -> str:
    """The entries of these keys, as BibTeX."""
    return "\n\n".join(_known()[key] for key in keys)


@cache
def _known() -> dict[str, str]:
    text = Path(__file__).with_suffix(".bib").read_text(encoding="utf-8")
    return {entry.key: entry.text for entry in entries(text)}
