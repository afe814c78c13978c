"""Sweeps through their command, on 8x8 digits: what fails is told, what is known is not done again."""

import csv
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from daecore.experiment.experiment import parse

pytestmark = pytest.mark.usefixtures("stranger")  # every command is given in a stranger's folder

Sweep = Callable[..., str]
RECIPE = ["digits-erasure", "--set", "transfer=null"]
GRID = [
    "--set", "training.epochs=1", "--space", "architecture.dense.code=[16, 64]", "--space",
    "training.learning_rate=[1e-3, 1e-2]", "--seeds", "2",
]  # fmt: skip
LONG = [
    "--set", "architecture={conv: {widths: [16, 32], code: 16}}", "--set", "training.batch=64",
    "--set", "training.epochs=80", "--space", "training.learning_rate=[1e-3, 1e-2]",
]  # fmt: skip


@pytest.fixture(scope="module")
def sweep(dae: Any) -> Sweep:
    """What a sweep says."""

    def sweep(store: Path, *arguments: str, **more: Any) -> str:
        done = dae(store, "sweep", *RECIPE, *arguments, **more)
        return str(done.stdout + done.stderr)

    return sweep


def record(store: Path) -> dict[str, Any]:
    (path,) = (store / "sweeps").glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def asked(server: str, what: str, query: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}/{what}/filter", data=json.dumps(query).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", server)
        yield tmp_path_factory.mktemp("sweep") / "store"


@pytest.fixture(scope="module")
def first(store: Path, sweep: Sweep) -> str:
    """A grid of four points of which two cannot be run, each with two seeds; by a new interpreter."""
    return sweep(store, *GRID, new=True)


CANNOT = [
    (["--space", "training.epoch=[1, 2]"], "'training.epoch', which this experiment does not have"),
    (["--space", "training.epochs=[1, 2]", "--method", "gird"], "Did you mean 'grid'"),
    (["--space", "training.epochs=[1, 2]", "--measure", "restored"], "Did you mean 'restored_db'"),
]
ASKED = """
import json, sys
from daecore_flows.cli import main
for arguments in json.loads(sys.argv[1]):
    print(main(["sweep", *arguments]), {"prefect", "mlflow"} & set(sys.modules))
"""


def test_a_sweep_that_cannot_be_begun_says_why(tmp_path: Path, environment: Any) -> None:
    """Exit status 2, one paragraph, and neither Prefect nor MLflow was needed to find out."""
    asked = json.dumps([[*RECIPE, *arguments] for arguments, _ in CANNOT])
    command = [sys.executable, "-P", "-c", ASKED, asked]
    done = subprocess.run(command, env=environment(tmp_path / "store"), capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["2 set()"] * 3, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("dae: ")]
    assert all(message in line for (_, message), line in zip(CANNOT, said, strict=True))
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_points_that_cannot_be_run_are_told_and_the_others_are_run(first: str, store: Path, runs: Any) -> None:
    """Every run is a child of the sweep's; refused points carry their reason."""
    assert "at most 63" in first
    (parent,) = runs(store, "sweep")
    assert parent.info.status == "FINISHED"
    children = runs(store, "denoise")
    assert len(children) == 4
    assert {child.data.tags["mlflow.parentRunId"] for child in children} == {parent.info.run_id}
    assert {child.data.tags["seed"] for child in children} == {"0", "1"}
    states = [run["state"] for trial in record(store)["trials"] for run in trial["runs"]]
    assert states == ["finished"] * 4
    assert [bool(trial["refused"]) for trial in record(store)["trials"]] == [False, False, True, True]


@pytest.mark.long
def test_the_sweep_leaves_table_picture_and_an_experiment_that_can_be_run(first: str, store: Path, runs: Any) -> None:
    """The best has the lowest loss; with two seeds the table has an interval and n."""
    (parent,) = runs(store, "sweep")
    artifacts = store / "artifacts" / "digits" / parent.info.run_id / "artifacts"
    assert (artifacts / "parallel_coordinates.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((artifacts / "sweep.csv").read_text().splitlines()))
    finished = [row for row in rows if row["state"] == "finished"]
    assert all(float(row["low"]) <= float(row["validation_loss"]) <= float(row["high"]) for row in finished)
    assert {row["n"] for row in finished} == {"2"}
    lowest = min(finished, key=lambda row: float(row["validation_loss"]))
    best = parse(yaml.safe_load((artifacts / "best.yaml").read_text()))
    assert best.training.learning_rate == float(lowest["training.learning_rate"])
    assert parent.data.tags["best"] == f"trial {lowest['trial']}"
    assert "Best of 4" in parent.data.tags["mlflow.note.content"]
    assert parent.data.params["space.architecture.dense.code"] == "[16, 64]"


@pytest.mark.long
def test_prefect_shows_the_trials_as_runs_of_denoise_and_how_far_it_is(
    first: str, store: Path, server: str, runs: Any
) -> None:
    """Each run of `denoise` belongs to the sweep's flow run; progress, table and report are artifacts of it."""
    name = "sweep digits-erasure over code, learning_rate"
    (whole,) = asked(server, "flow_runs", {"flow_runs": {"name": {"any_": [name]}}})
    ours = [run.data.tags["prefect.flow_run_id"] for run in runs(store, "denoise")]
    inner = asked(server, "flow_runs", {"flow_runs": {"id": {"any_": ours}}, "flows": {"name": {"any_": ["denoise"]}}})
    assert len(inner) == 4
    assert all(run["parent_task_run_id"] for run in inner)
    artifacts = asked(server, "artifacts", {"artifacts": {"flow_run_id": {"any_": [whole["id"]]}}})
    shown = {artifact["key"]: artifact["data"] for artifact in artifacts}
    assert shown["sweep-progress"] == 100
    assert "Best of 4" in shown["sweep"]
    assert len(json.loads(shown["sweep-table"])) == 4


@pytest.mark.long
def test_the_same_sweep_again_is_taken_from_the_record(
    first: str, store: Path, sweep: Sweep, runs: Any, dae: Any
) -> None:
    """No run is made, no second parent; only a removed run is made again."""
    before = {run.info.run_id for run in runs(store, "denoise")}
    sweep(store, *GRID)
    assert {run.info.run_id for run in runs(store, "denoise")} == before
    assert len(runs(store, "sweep")) == 1
    gone = record(store)["trials"][0]["runs"][1]["run_id"]
    dae(store, "rm", gone, "--yes")
    sweep(store, *GRID)
    after = {run.info.run_id for run in runs(store, "denoise")}
    assert len(after) == 4
    assert len(after - before) == 1


@pytest.mark.long
def test_no_best_is_told_where_the_space_changes_what_is_evaluated(
    store: Path, first: str, sweep: Sweep, runs: Any
) -> None:
    """A loss at less noise is no better network; the table is there all the same."""
    said = sweep(store, "--set", "training.epochs=1", "--space", "corruptions.0.erasure.p=[0.3, 0.5]")
    assert "No best is told" in said
    assert "Best of" not in said
    (parent,) = [run for run in runs(store, "sweep") if "corruptions" in str(run.data.params)]
    artifacts = store / "artifacts" / "digits" / parent.info.run_id / "artifacts"
    assert not (artifacts / "best.yaml").exists()
    assert (artifacts / "parallel_coordinates.png").exists()


def trains(store: Path) -> bool:
    """Whether a worker has come to the end of an epoch."""
    return bool(list((store / "checkpoints").glob("*.safetensors")))


@pytest.fixture
def under_way(tmp_path: Path, store: Path, started: Any, wait_until: Any) -> "subprocess.Popen[str]":
    """A sweep whose first run trains."""
    process = started(tmp_path, "sweep", *RECIPE, *LONG, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_until(lambda: trains(tmp_path) or process.poll() is not None, 120)
    assert process.poll() is None
    return process


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_workers_too_and_the_same_command_goes_on(
    tmp_path: Path, store: Path, under_way: Any, sweep: Sweep, runs: Any, number: signal.Signals
) -> None:
    """Exit status 130; parent, run and training KILLED; then the same parent and the same training are taken up."""
    workers = psutil.Process(under_way.pid).children(recursive=True)
    under_way.send_signal(number)
    output, _ = under_way.communicate(timeout=300)
    assert under_way.returncode == 130, output
    assert "goes on where it was" in output
    assert "Traceback" not in output
    gone, living = psutil.wait_procs(workers, timeout=120)
    assert gone
    assert living == []
    killed = [*runs(tmp_path, "sweep"), *runs(tmp_path, "denoise"), *runs(tmp_path, "train_autoencoder")]
    assert {run.info.status for run in killed} == {"KILLED"}
    sweep(tmp_path, *LONG)
    assert [run.info.status for run in runs(tmp_path, "sweep")] == ["FINISHED"]
    assert [run.info.status for run in runs(tmp_path, "train_autoencoder")] == ["FINISHED"] * 2


@pytest.mark.long
def test_a_killed_worker_costs_its_trial_only(
    tmp_path: Path, store: Path, under_way: Any, sweep: Sweep, runs: Any
) -> None:
    """The trial has crashed, the other is finished; the same command makes the crashed one again."""
    (run,) = runs(tmp_path, "denoise")
    os.kill(int(run.data.tags["dae.pid"]), signal.SIGKILL)
    output, _ = under_way.communicate(timeout=300)
    assert under_way.returncode == 0, output
    assert "its process died" in output
    assert [trial["runs"][0]["state"] for trial in record(tmp_path)["trials"]] == ["crashed", "finished"]
    sweep(tmp_path, *LONG)
    assert [trial["runs"][0]["state"] for trial in record(tmp_path)["trials"]] == ["finished", "finished"]
