"""A section's file: what somebody has changed is told of in a paragraph, before a page is made of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from daecore_flows.store.file_ref import FileRef
from daecore_flows.store.files import file_digest
from daecore_flows.store.store import Store
from daecore_flows.studies.section import CONTENT, Section

from daecore.errors import StoreError

WRITTEN = {
    "id": "a", "title": "A", "description": "It.", "quick": True, "notes": ["so"], "tables": [],
    "figures": {"gain_db": {"value": 1.0, "low": 0.5, "high": 1.5, "n": 3, "unit": "dB"}},
    "pictures": [], "experiments": {}, "made": {"date": "2026-01-01", "commit": ""},
}  # fmt: skip
CHANGES: list[Any] = [
    b"", b"{", b"[" * 100_000, b"\xff", b"[]", {"figures": []}, {"title": 3}, {"more": 1},
    {"figures": {"gain_db": {"value": 1.0, "low": 0.5, "high": None}}},
    {"pictures": [{"name": "none", "caption": ""}]},
]  # fmt: skip


def section(store: Store, content: bytes) -> Section:
    (store.root / CONTENT).write_bytes(content)
    ref = FileRef(path=CONTENT, sha256=file_digest(store.root / CONTENT))
    return Section(id="a", run_id="0" * 32, seconds=1.0, files={CONTENT: ref})


def test_what_was_written_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path, tmp_path)
    assert section(store, json.dumps(WRITTEN).encode()).content(store) == WRITTEN


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_what_is_none_is_refused_in_a_paragraph(tmp_path: Path, change: Any) -> None:
    """A store may be a stranger's."""
    store = Store(tmp_path, tmp_path)
    found = section(store, change if isinstance(change, bytes) else json.dumps(WRITTEN | change).encode())
    with pytest.raises(StoreError, match=r"The study 'a' should lie in .* Give its command again with --fresh\."):
        found.content(store)
    (tmp_path / CONTENT).unlink()
    with pytest.raises(StoreError, match="The study 'a'"):
        found.content(store)
