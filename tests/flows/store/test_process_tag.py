"""The tag of a flow run's process: of this machine it is looked for, of another nobody can say."""

import subprocess
import sys
from dataclasses import replace

import pytest
from daecore_flows.store.host import this_host
from daecore_flows.store.process_tag import PROCESS, process_lives, process_tag, without_process


def test_a_process_of_this_machine_lives_or_does_not() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        own = process_tag()
        assert process_lives(["mine", own])
        assert without_process(["mine", own]) == ["mine"]
        process.kill()
    assert process_lives([f"{PROCESS}{process.pid}:1.00:{this_host()}"]) is False


def test_of_another_machine_nobody_can_say() -> None:
    elsewhere = replace(this_host(), name="other", machine="", namespace="1")
    assert process_lives([f"{PROCESS}1:1.00:{elsewhere}"]) is None
    assert process_lives([]) is None


def test_of_this_machine_before_it_was_started_again_none_lives() -> None:
    before = replace(this_host(), boot="another")
    if before.machine:
        assert process_lives([f"{PROCESS}1:1.00:{before}"]) is False


@pytest.mark.parametrize("tag", ["", "x", "1", "1:x", "x:1.0", "1:nan:a/b/c/d", ":::"])
def test_what_somebody_has_written_there_says_nothing(tag: str) -> None:
    """Anybody may set a tag on Prefect's page."""
    assert process_lives([f"{PROCESS}{tag}"]) is None
