"""The other process of the contract: it is kept, and a new one is asked where it cannot know what is new."""

import importlib
import os
from pathlib import Path

import pytest

from daecore.testing.contract import Violation
from daecore.testing.spawn import in_another_process


def test_what_was_written_after_the_process_began_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that its author writes meanwhile; the process asked before has no such module."""
    assert in_another_process(len, "abc") == 3
    (tmp_path / "written_later.py").write_text("def twice(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert in_another_process(importlib.import_module("written_later").twice, 4) == 8


def test_what_ends_the_process_is_a_violation_and_the_next_one_is_asked() -> None:
    with pytest.raises(Violation, match="another process can import"):
        in_another_process(os._exit, 3)
    assert in_another_process(len, "abc") == 3
