"""What the built-ins cite: every entry can be read, and is cited by somebody."""

from pathlib import Path

import daecore_plugins

from daecore.plugin.bibtex import entries
from daecore.plugin.registry import registry

TEXT = Path(daecore_plugins.__path__[0], "bibliography.bib").read_text(encoding="utf-8")


def test_the_bibliography_can_be_read_whole() -> None:
    """Braces balance, keys are unique, each entry has author, title and year; nothing stands between the entries."""
    found = entries(TEXT)
    assert "\n\n".join(entry.text for entry in found).strip() == TEXT.strip()
    assert all(("{" not in entry.key and entry.key[-4:].isdigit()) or entry.key == "itut81" for entry in found)


def test_every_entry_is_cited_and_the_papers_they_come_from_are_named() -> None:
    sources = {(kind, name): item.extension.source for (kind, name), item in registry().extensions.items()}
    cited = {entry.key for source in sources.values() for entry in entries(source)}
    assert cited >= {entry.key for entry in entries(TEXT)}
    assert [entry.key for entry in entries(sources["objective", "noise2noise"])] == ["lehtinen2018"]
    assert sources["corruption", "mixture"] == ""
