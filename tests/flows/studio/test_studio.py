"""The studio as its user meets it: one command, whatever dies, and a queue that never doubles."""

import json
import shutil
import subprocess
import time
import urllib.request
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import yaml
from commands import DAE, environment_of

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("stranger")]  # `dae up` is given in a stranger's folder
ROOT = Path(__file__).parents[3]
SHORT = {"training": {"epochs": 1, "batch": 64, "threads": 1}, "transfer": None}


def test_the_studio_is_up_soon_with_few_processes_and_both_pages(studio: Any) -> None:
    """Two servers of two processes at most, the runner, and every recipe as a deployment."""
    assert float(studio.said.split("is up after ")[1].split(" s")[0]) < 150  # 8 s on two idle cores
    assert len(studio.processes("mlflow")) == 2
    for page in (studio.record["prefect"], studio.record["mlflow"]):
        with urllib.request.urlopen(page, timeout=60) as found:
            assert found.status == 200
    names = {item["name"] for item in studio.prefect("/deployments/filter", {"limit": 100})}
    assert {"mnist-erasure", "digits-erasure", "reconcile", "rerun", "sweep", "retrain"} <= names


def test_a_second_up_finds_the_first(studio: Any) -> None:
    """It prints the same links and starts nothing."""
    before = {process.pid for process in studio.processes()}
    said = studio.dae("up")
    assert "is up already" in said
    assert studio.record["prefect"] in said
    assert {process.pid for process in studio.processes()} == before


def test_queued_runs_end_one_at_a_time_and_both_pages_answer(studio: Any, wait_until: Any) -> None:
    """All Completed, none overlapping, no lock error, nothing RUNNING; `dae run` beside them waits and says so."""
    runs = [studio.submit("denoise/digits-erasure", **SHORT, seed=number) for number in range(6)]
    wait_until(lambda: studio.state(runs[0]) == "Running", 300)
    beside = subprocess.Popen(
        [DAE, "run", "digits-erasure", "--set", "training.epochs=3", "--set", "transfer=null", "--set", "seed=77"],
        env=studio.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    seconds = []
    while any(
        studio.prefect(f"/flow_runs/{run}")["state"]["type"] in ("SCHEDULED", "PENDING", "RUNNING") for run in runs
    ):
        for page in (studio.record["prefect"] + "/api/health", studio.record["mlflow"] + "/health"):
            began = time.monotonic()
            with urllib.request.urlopen(page, timeout=20):
                seconds.append(time.monotonic() - began)
        time.sleep(0.5)
    said, _ = beside.communicate(timeout=300)
    assert beside.returncode == 0, said
    assert {studio.state(run) for run in runs} == {"Completed"}
    assert median(seconds) < 1
    assert max(seconds) < 10  # a machine that does much else answers some late
    ended = [studio.prefect(f"/flow_runs/{run}") for run in runs]
    spans = sorted((item["start_time"], item["end_time"]) for item in ended)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert studio.runs("attributes.status = 'RUNNING'") == []
    assert "database is locked" not in studio.logs()


def test_another_host_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Nobody is asked who he is, so nobody else may reach it."""
    from daecore_flows.cli import main

    assert main(["up", "--host", "0.0.0.0", "--store", str(tmp_path)]) == 2


def test_a_moved_store_opens_after_doctor(own_studio: Any, tmp_path: Path) -> None:
    """Refused with the reason before, whole after: the cached run reuses every stage, its model restores."""
    own_studio.up()
    assert own_studio.finished(own_studio.submit("denoise/digits-erasure", **SHORT)) == "Completed"
    own_studio.down()
    there = tmp_path / "elsewhere" / "moved"
    there.parent.mkdir()
    shutil.move(own_studio.root, there)
    moved = type(own_studio)(there)
    assert "dae doctor --fix" in moved.dae("runs", status=2)
    assert "dae doctor --fix" in moved.dae("up", status=2)
    moved.dae("doctor", "--fix")
    report = tmp_path / "report.json"
    moved.dae(
        "run",
        "digits-erasure",
        "--set",
        "training={epochs: 1, batch: 64, threads: 1}",
        "--set",
        "transfer=null",
        "--report",
        str(report),
    )
    found = json.loads(report.read_text())
    assert len(found["reused"]) == 4
    assert Path(found["files"]["artifacts"]).is_relative_to(there)
    moved.up()
    try:
        (run,) = [item for item in moved.runs("tags.stage = 'denoise'") if item.data.tags["reused"] == ""]
        panel = f"{moved.record['mlflow']}/get-artifact?path=panel.png&run_uuid={run.info.run_id}"
        with urllib.request.urlopen(panel, timeout=60) as picture:
            assert picture.read(8) == b"\x89PNG\r\n\x1a\n"
    finally:
        moved.down()


def test_a_work_pools_worker_makes_a_deployments_run(studio: Any, tmp_path: Path) -> None:
    """Prefect's own worker, with `prefect.yaml` as it stands: it needs the store's name and nothing else."""
    described = yaml.safe_load((ROOT / "deploy" / "prefect.yaml").read_text(encoding="utf-8"))
    [chosen] = [item for item in described["deployments"] if item["name"] == "digits-erasure"]
    pooled = chosen | {"name": "pooled", "work_pool": {"name": "tried"}}
    (tmp_path / "prefect.yaml").write_text(yaml.safe_dump(described | {"deployments": [pooled]}))
    given = environment_of(studio.root) | {"PREFECT_API_URL": f"{studio.record['prefect']}/api"}
    given["PREFECT_HOME"] = str(tmp_path / "home")

    def prefect(*words: str) -> None:
        command = [str(Path(DAE).with_name("prefect")), *words]
        done = subprocess.run(
            command, env=given, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr

    prefect("work-pool", "create", "--type", "process", "tried")
    try:
        prefect("--no-prompt", "deploy", "--prefect-file", "prefect.yaml", "--all")
        run = studio.submit("denoise/pooled", **SHORT)
        prefect("worker", "start", "--pool", "tried", "--run-once")
        assert studio.finished(run) == "Completed"
        assert len(studio.runs(f"tags.`prefect.flow_run_id` = '{run}'")) == 1
    finally:
        prefect("--no-prompt", "work-pool", "delete", "tried")
        prefect("--no-prompt", "deployment", "delete", "denoise/pooled")
