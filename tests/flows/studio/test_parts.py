"""The parts of a studio: a process that dies is started again, but not for ever."""

import os
from pathlib import Path

import pytest
from daecore_flows.studio import parts, up

from daecore.errors import DaecoreError


@pytest.fixture
def part(tmp_path: Path) -> parts.Part:
    """A server that says where it is, and ends."""
    (tmp_path / "ending.py").write_text("print('no room')\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    log = tmp_path / "logs" / "ending.log"
    made = parts.start("The server", "ending", log=log, environment=environment, ready=lambda: True)
    made.process.wait(30)
    return made


def test_one_that_dies_again_and_again_is_given_up(part: parts.Part) -> None:
    """Its log holds the last words of each time."""
    for _ in range(parts.REVIVALS):
        assert part.dead
        assert part.revive()
        part.process.wait(30)
    assert not part.revive()
    assert part.last_lines.split() == ["no", "room"] * (parts.REVIVALS + 1)


def test_one_that_dies_now_and_then_always_comes_back(part: parts.Part, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was long ago does not count."""
    monkeypatch.setattr(parts, "REVIVAL_SECONDS", 0.0)
    for _ in range(parts.REVIVALS + 1):
        assert part.revive()
        part.process.wait(30)


def test_a_studio_revives_its_servers_and_says_so_and_ends_when_that_does_not_help(part: parts.Part) -> None:
    """The reason is the end of the log."""
    said: list[str] = []
    with pytest.raises(DaecoreError, match="no room"):
        up.watch([part], said.append)
    assert len(said) == parts.REVIVALS
    assert all("started again" in line for line in said)


def test_a_studio_without_its_runner_ends(part: parts.Part) -> None:
    """Started again it would not know which runs it had begun; the next `dae up` does."""
    said: list[str] = []
    living = parts.start("A server", "http.server", "0", log=part.log.with_name("a.log"), environment=os.environ,
                         ready=lambda: True)  # fmt: skip
    try:
        with pytest.raises(DaecoreError, match="The server ended with status 0"):
            up.watch([living, living, part], said.append)
    finally:
        parts.end(living)
    assert said == []
