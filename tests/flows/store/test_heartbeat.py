"""Who works on a run: this machine's processes are looked for, others are heard of."""

import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from daecore_flows.store.host import this_host
from daecore_flows.store.tracking import heartbeat

ELSEWHERE = str(replace(this_host(), name="other", machine="", namespace="1"))


def run(**changes: str) -> Any:
    tags = {**heartbeat.process_tags(), **{f"dae.{name}": value for name, value in changes.items()}}
    return SimpleNamespace(data=SimpleNamespace(tags=tags))


@pytest.fixture
def dead() -> str:
    """The number of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return str(process.pid)


def test_a_process_of_this_machine_is_looked_for(dead: str) -> None:
    """However lately it was heard of."""
    assert heartbeat.alive(run())
    assert not heartbeat.alive(run(pid=dead))
    assert not heartbeat.alive(run(pid_started="1.00"))


def test_another_machine_is_heard_of(dead: str) -> None:
    """Its numbers mean nothing here: a living run of it is left alone, one that is silent for long is dead."""
    now = time.time()
    assert heartbeat.alive(run(host=ELSEWHERE, pid=dead, heartbeat=f"{now - 60:.0f}"))
    assert not heartbeat.alive(run(host=ELSEWHERE, heartbeat=f"{now - 2 * heartbeat.LOST_SECONDS:.0f}"))


def test_a_run_of_an_earlier_version_is_of_this_machine(dead: str) -> None:
    """It names no host."""
    assert heartbeat.alive(run(host=""))
    assert not heartbeat.alive(run(host="", pid=dead))


def test_what_others_began_is_none_of_ours() -> None:
    """Of MLflow's own clients nobody knows who works on a run."""
    assert heartbeat.alive(SimpleNamespace(data=SimpleNamespace(tags={})))  # type: ignore[arg-type]
    assert heartbeat.is_ours(run())
    assert not heartbeat.is_ours(run(host=ELSEWHERE))


@pytest.mark.parametrize(
    "change", [{"pid": "x"}, {"pid_started": ""}, {"heartbeat": "soon"}, {"pid": 400 * "9"}], ids=str
)
def test_what_somebody_has_written_there_ends_no_command(change: dict[str, str]) -> None:
    """Every command looks at each run that is said to be under way; a database may be a stranger's."""
    heartbeat.alive(run(**change))


def test_the_heart_beats_for_all_runs_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one beat fails, and no more once the block has ended."""
    heard: list[str] = []

    def tag(name: str, tags: dict[str, str]) -> None:
        if name == "gone":
            raise OSError("no such run")
        assert abs(float(tags[heartbeat.BEAT]) - time.time()) < 5
        heard.append(name)

    monkeypatch.setattr(heartbeat, "tag", tag)
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    with heartbeat.beating(lambda: ["gone", "outer", "inner"]):
        end = time.monotonic() + 10
        while len(heard) < 4 and time.monotonic() < end:
            time.sleep(0.01)
    assert heard[:4] == ["outer", "inner"] * 2
    time.sleep(0.1)
    count = len(heard)
    time.sleep(0.1)
    assert len(heard) == count
