"""The record of a studio: what is no record of ours names no process and no address."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from daecore_flows.store.host import this_host
from daecore_flows.store.process_tag import process_lives, process_tag
from daecore_flows.store.studio_record import Studio, began, lives, path_of, read_record, write
from daecore_flows.store.tracking import heartbeat

GOOD = Studio(pid=1, started=2.5, mark="0" * 32, prefect="http://127.0.0.1:4200", mlflow="http://[::1]:5000")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    assert read_record(tmp_path) == GOOD


def test_a_studio_that_has_ended_is_known_and_lives_no_more(tmp_path: Path) -> None:
    """By its record the next one takes the same ports."""
    ended = replace(GOOD, pid=0)
    write(tmp_path, ended)
    assert read_record(tmp_path) == ended
    assert not ended.alive


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the clock, as Linux then says when it was started: all that psutil adds to the ticks of a process."""
    linux = pytest.importorskip("psutil._pslinux")
    before = linux.boot_time()
    return lambda seconds: monkeypatch.setattr(linux, "boot_time", lambda: before + seconds)


@pytest.mark.parametrize("seconds", [-86400.0, -1.0, 3600.0])
def test_a_process_lives_on_when_the_clock_is_set(set_clock: Callable[[float], None], seconds: float) -> None:
    """Its studio would end, and its runs would be called dead."""
    studio = replace(GOOD, pid=os.getpid(), started=began(psutil.Process()), boot=this_host().boot)
    tag, run = process_tag(), heartbeat.process_tags()
    set_clock(seconds)
    assert studio.alive
    assert process_lives([tag])
    assert heartbeat.process_tags()[heartbeat.STARTED] == run[heartbeat.STARTED]


def test_after_the_machine_was_started_again_nobody_lives(tmp_path: Path) -> None:
    """Another process may have the same number, and have begun as many seconds after the start."""
    studio = replace(GOOD, pid=os.getpid(), started=began(psutil.Process()), boot="0123456789ab")
    assert not studio.alive
    write(tmp_path, studio)
    assert read_record(tmp_path) == studio


def test_a_record_of_an_earlier_version_names_a_living_process() -> None:
    """It says when that began in seconds since 1970."""
    assert lives(os.getpid(), psutil.Process().create_time())
    assert not lives(os.getpid(), psutil.Process().create_time() - 5)


@pytest.mark.parametrize(
    "change",
    [
        {"boot": "/../x"},
        {"boot": None},
        {"mark": None},  # every process without a mark would be one of the studio's, and ended with it
        {"mark": ""},
        {"pid": "1"},
        {"pid": -1},
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
