"""Runs whose trainings several processes share: the weights of one, also after a kill, and begun by torchrun."""

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from commands import DAE, environment_of
from studio import wait_until

pytestmark = [pytest.mark.long, pytest.mark.cluster]

SHORT = ["training.epochs=100", "training.batch=64", "training.precision=float32", "transfer=null"]
RUN = ["run", "digits-erasure", *(word for it in SHORT for word in ("--set", it))]
TOGETHER = [*RUN, "--set", "training.devices=2"]


def trained(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(report.read_text())["training"]
    return found


def follower_of(process: subprocess.Popen[str]) -> psutil.Process | None:
    children = psutil.Process(process.pid).children(recursive=True)
    return next((child for child in children if "daecore_flows.stages.follower" in child.cmdline()), None)


def written(store: Path) -> dict[Path, float]:
    """The checkpoints of a store, and when each was written."""
    return {path: path.stat().st_mtime for path in store.glob("checkpoints/*.safetensors")}


def test_a_process_that_is_killed_costs_an_epoch(tmp_path: Path, dae: Any, started: Any) -> None:
    """The first run is not disturbed; of the second a follower is killed, then the leader; it ends with the same bytes.

    Nothing is trained twice: the second goes on in its own run, and logs each epoch once.
    """
    reports = {name: tmp_path / f"{name}.json" for name in ("alone", "whole", "killed")}
    dae(tmp_path / "alone", *RUN, "--report", reports["alone"], new=True)
    dae(tmp_path / "whole", *TOGETHER, "--report", reports["whole"], new=True)
    store = tmp_path / "killed"
    for who in ("follower", "leader"):
        begun = started(store, *TOGETHER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        before = written(store)
        wait_until(lambda before=before: written(store) != before, 120)
        follower = follower_of(begun)
        assert follower is not None
        (follower if who == "follower" else psutil.Process(begun.pid)).send_signal(signal.SIGKILL)
        said, _ = begun.communicate(timeout=60)
        if who == "follower":
            assert begun.returncode == 1
            assert "Process 1 of the 2 that trained together is gone (ended by signal 9)" in said
            assert "Traceback" not in said
        follower.wait(10)
    done = dae(store, *TOGETHER, "--report", reports["killed"], new=True)
    assert "going on after epoch" in done.stderr
    found = {name: trained(report) for name, report in reports.items()}
    assert found["killed"]["weights_sha256"] == found["whole"]["weights_sha256"]
    assert found["killed"]["epochs"] == found["whole"]["epochs"] == 100
    assert found["whole"]["loss"] == pytest.approx(found["alone"]["loss"], rel=0.02)  # rounding, grown over 100 epochs
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        logged = "select key, step, count(*) from metrics where key = 'loss' group by run_uuid, step"
        steps = database.execute(logged).fetchall()
    assert [(step, count) for _, step, count in sorted(steps)] == [(epoch, 1) for epoch in range(1, 101)]


def test_a_follower_ends_with_a_leader_that_dies_at_once(tmp_path: Path, started: Any) -> None:
    """Also while it still imports what it needs."""
    begun = started(tmp_path, *TOGETHER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: follower_of(begun) is not None, 120)
    follower = follower_of(begun)
    begun.kill()
    begun.wait()
    assert follower is not None
    follower.wait(30)


def test_torchrun_begins_the_processes(tmp_path: Path, dae: Any) -> None:
    """The first one runs the command, the other follows both of its trainings; the bytes are the same."""
    small = ["--set", "transfer.seeds=2", "--set", "transfer.steps=20"]
    words = [*(word.replace("transfer=null", "transfer.labels=[20]") for word in TOGETHER), *small]
    dae(tmp_path / "here", *words, "--report", tmp_path / "here.json", new=True)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    script = tmp_path / "script.sh"
    script.write_text(f"{DAE} data list && {DAE} {shlex.join(words)} --report {tmp_path / 'torchrun.json'}\n")
    done = subprocess.run(
        [*torchrun, "sh", str(script)],
        env=environment_of(tmp_path / "torchrun"),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Restored to") == 1
    found = [trained(tmp_path / f"{name}.json")["weights_sha256"] for name in ("here", "torchrun")]
    assert found[0] == found[1]


def test_torchrun_with_another_number_ends_at_once(tmp_path: Path) -> None:
    """One paragraph, status 2 of the first process, and nobody waits."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    done = subprocess.run(
        [*torchrun, DAE, *RUN], env=environment_of(tmp_path), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode != 0
    assert "torchrun has begun 2 processes, and training.devices is 1. Set training.devices=2" in done.stderr
    assert not os.path.exists(tmp_path / "checkpoints") or not os.listdir(tmp_path / "checkpoints")
