"""A short soak: `make soak`'s own tool with small numbers. It takes minutes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long
SOAK = Path(__file__).parents[1] / "bench" / "soak.py"
SMALL = ["--runs", "0", "--at-once", "2", "--beside", "4", "--queued", "6", "--every", "2"]


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]]]:
    """What it prints, and its events."""
    folder = tmp_path_factory.mktemp("soak")
    command = [sys.executable, str(SOAK), "--folder", str(folder), *SMALL]
    environment = {**os.environ, "PYTHONSAFEPATH": ""}  # other tests run `dae` here, which keeps scripts' folders out
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    lines = (folder / "soak.jsonl").read_text().splitlines()
    return done.stdout, [json.loads(line) for line in lines]


def of(events: list[dict[str, Any]], part: str) -> list[dict[str, Any]]:
    return [event for event in events if event["part"] == part]


def test_no_command_fails_also_several_at_once_on_a_new_store_and_beside_cleaning_up(
    soaked: tuple[str, list[dict[str, Any]]],
) -> None:
    said, events = soaked
    commands = [event for event in events if "status" in event]
    counts = {part: len(of(events, part)) for part in ("at once", "beside")}
    assert counts == {"at once": 2, "beside": 4}
    assert of(events, "rm") != []
    assert [event for event in commands if event["status"] or event["locked"]] == [], said
    doctors = ["at once doctor", "beside doctor", "studio doctor"]
    assert [event["part"] for event in events if event["part"].endswith("doctor")] == doctors


def test_a_queue_leaves_no_handles_and_no_threads_behind(soaked: tuple[str, list[dict[str, Any]]]) -> None:
    said, events = soaked
    states = of(events, "states")[0]
    assert [states[name] for name in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")] == [6, 0, 0, 0], said
    assert of(events, "studio doctor")[0]["locked_in_logs"] == 0
    samples = [event["processes"] for event in of(events, "look") if event["ended"] >= 1]
    assert len(samples) >= 10  # the last five are of a studio at rest
    for name in ("dae up", "prefect", "mlflow", "mlflow worker", "runner"):
        for what in ("handles", "threads"):
            counts = [sample[name][what] for sample in samples]
            assert min(counts[-5:]) <= min(counts[:5]) + 2, (name, what, counts)
