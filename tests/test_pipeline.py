"""The whole pipeline through its command, on 8x8 digits: what is kept, what is reused, what runs again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

DAE = str(Path(sys.executable).parent / "dae")
SMALL = ["--set", "training.epochs=2", "--set", "transfer={labels: [20], seeds: 2, steps: 10}"]


def dae(store: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([DAE, *arguments], env=environment(store), capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def environment(store: Path) -> dict[str, str]:
    places = {"DAE_STORE": str(store), "DAE_DATA": str(store / "data"), "COLUMNS": "160"}
    return {**os.environ, **places, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running Prefect server: a run against it saves the ten seconds that one of its own takes to start."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).parent / "prefect"),
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    quiet = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_HOME": str(home)}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, env={**os.environ, **quiet}, stdout=log, stderr=log)
    try:
        yield answering(f"http://127.0.0.1:{port}/api")
    finally:
        process.terminate()
        process.wait(30)


def answering(address: str) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):
                return address
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the Prefect server did not come up in two minutes")


def run(store: Path, *arguments: str) -> dict:
    report = store.parent / f"{store.name}-{time.time_ns()}.json"
    dae(store, "run", "digits-erasure", *SMALL, *arguments, "--report", str(report))
    return json.loads(report.read_text())


def children(store: Path) -> list:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    return [one for one in runs if one.data.tags.get("stage") == "train_autoencoder"]


def history(store: Path, run_id: str) -> list[int]:
    from mlflow.tracking import MlflowClient

    return [entry.step for entry in MlflowClient(f"sqlite:///{store}/mlflow.db").get_metric_history(run_id, "loss")]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", server)
        yield tmp_path_factory.mktemp("pipeline") / "store"


@pytest.fixture(scope="module")
def first(store: Path) -> dict:
    return run(store)


def test_the_report_holds_what_later_checks_read(first: dict) -> None:
    """Every key that is promised is there, and the numbers make sense."""
    assert {"run_id", "uri"} <= set(first["mlflow"])
    assert first["prefect"]["flow_run_id"]
    assert len(first["dataset"]["sha256"]) == 64
    denoising = first["denoising"]
    assert denoising["corrupted_db"] < denoising["best_referee"]["db"]
    assert denoising["gain_db"]["low"] <= denoising["gain_db"]["mean"] <= denoising["gain_db"]["high"]
    assert {row["initialisation"] for row in first["transfer"]} == {
        "scratch",
        "random",
        "autoencoder",
        "probe",
        "finetune",
    }
    assert all(row["n"] == 2 and 0 <= row["error_percent"]["mean"] <= 100 for row in first["transfer"])
    assert len(first["training"]["weights_sha256"]) == 64
    assert first["training"]["epochs"] == 2
    assert first["reused"] == []


def test_running_again_reuses_every_stage_but_the_report(store: Path, first: dict) -> None:
    """The second run of one experiment computes nothing and says the same."""
    second = run(store)
    stages = {
        "load_dataset",
        "train_autoencoder",
        "measure_referees",
        "evaluate_denoising",
        "train_control",
        "transfer",
    }
    assert set(second["reused"]) == stages
    assert second["denoising"] == first["denoising"]
    assert second["transfer"] == first["transfer"]
    assert second["mlflow"]["run_id"] != first["mlflow"]["run_id"]


def test_a_changed_seed_trains_again_but_loads_and_referees_are_reused(store: Path, first: dict) -> None:
    """What does not depend on the seed is taken from the cache; what does is not."""
    other = run(store, "--set", "seed=1", "--set", "transfer=null")
    assert set(other["reused"]) == {"load_dataset", "measure_referees"}
    assert other["training"]["weights_sha256"] != first["training"]["weights_sha256"]


def test_fresh_trains_anew_to_the_same_weights(store: Path, first: dict) -> None:
    """Same experiment, same seed, same bytes."""
    again = run(store, "--fresh", "--set", "transfer=null")
    assert again["reused"] == []
    assert again["training"]["weights_sha256"] == first["training"]["weights_sha256"]


def test_an_altered_model_file_is_a_miss(store: Path, first: dict) -> None:
    """A cached record whose file was altered is not believed."""
    for path in (store / "artifacts").rglob("weights.safetensors"):
        path.write_bytes(b"not the weights")
    again = run(store, "--set", "transfer=null")
    assert "train_autoencoder" not in again["reused"]
    assert again["training"]["weights_sha256"] == first["training"]["weights_sha256"]


LONG = ["digits-erasure", "--set", "training.epochs=40", "--set", "transfer=null"]


def killed_after_some_epochs(store: Path, arguments: list[str]) -> None:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([DAE, "run", *arguments], env=environment(store), start_new_session=True, **quiet)
    deadline = time.monotonic() + 120
    while not list((store / "checkpoints").glob("*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)  # with the Prefect server it started, which would outlive it
    process.wait()
    assert list((store / "checkpoints").glob("*.safetensors")), "no checkpoint was written before the kill"


@pytest.mark.long
@pytest.mark.parametrize("network", ["conv: {code: 16}", "dense: {widths: [64], code: 16}"])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path, network: str, precision: str) -> None:
    """SIGKILL loses at most one epoch: same digest, one child run, no step logged twice, nothing left RUNNING."""
    arguments = [*LONG, "--set", f"autoencoder={{{network}}}", "--set", f"training.precision={precision}"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    dae(whole, "run", *arguments, "--report", str(tmp_path / "whole.json"))
    killed_after_some_epochs(broken, arguments)
    dae(broken, "run", *arguments, "--report", str(tmp_path / "broken.json"))
    digests = [
        json.loads((tmp_path / f"{name}.json").read_text())["training"]["weights_sha256"]
        for name in ("whole", "broken")
    ]
    assert digests[0] == digests[1]
    (child,) = children(broken)
    assert child.info.status == "FINISHED"
    assert history(broken, child.info.run_id) == list(range(1, 41))


@pytest.mark.long
def test_two_processes_with_one_experiment_train_once(tmp_path: Path) -> None:
    """The second waits for the first and takes its model."""
    reports = [tmp_path / f"{number}.json" for number in (1, 2)]
    both = [
        subprocess.Popen([DAE, "run", *LONG, "--report", str(report)], env=environment(tmp_path / "store"))
        for report in reports
    ]
    assert [process.wait() for process in both] == [0, 0]
    assert len(children(tmp_path / "store")) == 1
    first, second = (json.loads(report.read_text())["training"]["weights_sha256"] for report in reports)
    assert first == second


@pytest.mark.long
def test_an_interrupt_ends_the_run_killed_and_tells_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C: exit status 130, MLflow says KILLED, and the command that goes on is printed."""
    arguments = ["digits-erasure", "--set", "training.epochs=2000", "--set", "transfer=null"]
    process = subprocess.Popen(
        [DAE, "run", *arguments], env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / "checkpoints").glob("*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "dae run digits-erasure" in output
    assert {one.info.status for one in children(tmp_path)} == {"KILLED"}
