"""The record of a studio: what is no record of ours names no process and no address."""

import json
from pathlib import Path
from typing import Any

import pytest
from daecore_flows.store.studio_record import Studio, path_of, read_record, write

GOOD = Studio(pid=1, started=2.5, mark="0" * 32, prefect="http://127.0.0.1:4200", mlflow="http://[::1]:5000")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    assert read_record(tmp_path) == GOOD


@pytest.mark.parametrize(
    "change",
    [
        {"mark": None},  # every process without a mark would be one of the studio's, and ended with it
        {"mark": ""},
        {"pid": "1"},
        {"started": None},
        {"prefect": "http://evil.example:4200"},
        {"mlflow": "http://127.0.0.1:5000/x"},
        {"mlflow": None},
        {"more": 1},
    ],
    ids=str,
)
def test_a_record_that_is_not_ours_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    """A store may have come with a stranger's folder."""
    write(tmp_path, GOOD)
    found = json.loads(path_of(tmp_path).read_text())
    path_of(tmp_path).write_text(json.dumps(found | change))
    assert read_record(tmp_path) is None
    path_of(tmp_path).write_text("[1]")
    assert read_record(tmp_path) is None
