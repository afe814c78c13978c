"""The whole pipeline through its command, on 8x8 digits: what is kept, what is reused, what runs again."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.usefixtures("stranger")  # every command is given in a stranger's folder

SMALL = ["--set", "training.epochs=2", "--set", "transfer={labels: [20], seeds: 2, steps: 10}"]
Run = Callable[..., dict]


@pytest.fixture(scope="session")
def run(dae: Any) -> Run:
    """Run the recipe on a store, with changes; its report."""

    def run(store: Path, *arguments: str, **more: Any) -> dict:
        report = store.parent / f"{store.name}-{time.time_ns()}.json"
        dae(store, "run", "digits-erasure", *SMALL, *arguments, "--report", report, **more)
        return json.loads(report.read_text())

    return run


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", server)
        yield tmp_path_factory.mktemp("pipeline") / "store"


@pytest.fixture(scope="module")
def first(store: Path, run: Run) -> dict:
    """By a new interpreter in a stranger's folder; later commands need no imports of their own."""
    return run(store, new=True)


def test_the_report_holds_what_later_checks_read(first: dict) -> None:
    """Every key that is promised is there, and the numbers make sense."""
    assert {"run_id", "uri"} <= set(first["mlflow"])
    assert first["prefect"]["flow_run_id"]
    assert len(first["dataset"]["sha256"]) == 64
    denoising = first["denoising"]
    assert denoising["corrupted_db"] < denoising["best_baseline"]["db"]
    assert denoising["gain_db"]["low"] <= denoising["gain_db"]["mean"] <= denoising["gain_db"]["high"]
    ways = {row["initialisation"]: (row["encoder"], row["method"]) for row in first["transfer"]}
    assert ways == {
        "scratch": ("untrained", "finetune"),
        "random": ("untrained", "probe"),
        "autoencoder": ("autoencoder", "finetune"),
        "knn": ("denoising", "knn"),
        "probe": ("denoising", "probe"),
        "finetune": ("denoising", "finetune"),
    }
    assert all(row["n"] == 2 and 0 <= row["error_percent"]["mean"] <= 100 for row in first["transfer"])
    assert len(first["training"]["weights_sha256"]) == 64
    assert first["training"]["epochs"] == 2
    assert first["reused"] == []


def test_prefect_shows_the_numbers_and_the_way_to_mlflow(first: dict, server: str) -> None:
    """The flow run has a name that says what ran, and an artifact with the restored dB and the MLflow run."""
    flow_run = first["prefect"]["flow_run_id"]
    asked = json.dumps({"artifacts": {"flow_run_id": {"any_": [flow_run]}, "key": {"any_": ["report"]}}}).encode()
    request = urllib.request.Request(
        f"{server}/artifacts/filter", data=asked, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        (artifact,) = json.load(answer)
    assert first["mlflow"]["run_id"] in artifact["data"]
    assert f"| restored | {first['denoising']['restored_db']:.4g} |" in artifact["data"]
    with urllib.request.urlopen(f"{server}/flow_runs/{flow_run}", timeout=60) as answer:
        assert json.load(answer)["name"] == "digits erasure(p=0.5) dense-48 #0"


def test_running_again_reuses_every_stage_but_the_report(store: Path, run: Run, first: dict) -> None:
    """The second run of one experiment computes nothing and says the same."""
    second = run(store)
    stages = {
        "load_dataset",
        "train_autoencoder",
        "measure_baselines",
        "evaluate_denoising",
        "train_control",
        "transfer",
    }
    assert set(second["reused"]) == stages
    assert second["denoising"] == first["denoising"]
    assert second["transfer"] == first["transfer"]
    assert second["mlflow"]["run_id"] != first["mlflow"]["run_id"]


def test_a_changed_seed_trains_again_but_loads_and_baselines_are_reused(store: Path, run: Run, first: dict) -> None:
    """What does not depend on the seed is taken from the cache; what does is not."""
    other = run(store, "--set", "seed=1", "--set", "transfer=null")
    assert set(other["reused"]) == {"load_dataset", "measure_baselines"}
    assert other["training"]["weights_sha256"] != first["training"]["weights_sha256"]


def test_fresh_trains_anew_to_the_same_weights(store: Path, run: Run, first: dict) -> None:
    """Same experiment, same seed, same bytes."""
    again = run(store, "--fresh", "--set", "transfer=null")
    assert again["reused"] == []
    assert again["training"]["weights_sha256"] == first["training"]["weights_sha256"]


def test_an_altered_model_file_is_a_miss(store: Path, run: Run, first: dict) -> None:
    """A cached record whose file was altered is not believed."""
    for path in (store / "artifacts").rglob("weights.safetensors"):
        path.write_bytes(b"not the weights")
    again = run(store, "--set", "transfer=null")
    assert "train_autoencoder" not in again["reused"]
    assert again["training"]["weights_sha256"] == first["training"]["weights_sha256"]


def test_another_number_of_threads_computes_again_what_it_changes(store: Path, run: Run, first: dict) -> None:
    """Data and baselines do not depend on the threads of a training; the training and its evaluation do."""
    threads = 1 if first["training"]["threads"] != 1 else 2
    other = run(store, "--set", f"training.threads={threads}", "--set", "transfer=null")
    assert set(other["reused"]) == {"load_dataset", "measure_baselines"}
    assert other["training"]["threads"] == threads


@pytest.mark.long
def test_removed_runs_free_their_room_and_the_kept_one_stays_whole(
    store: Path, dae: Any, run: Run, first: dict
) -> None:
    """`rm` marks a run and undoes it, `gc` says the bytes and deletes; what the kept run is made of is still reused."""
    kept, one = run(store), first["mlflow"]["run_id"]
    removed = dae(store, "rm", one, "--yes").stdout
    assert one[:12] not in dae(store, "runs").stdout
    assert f"dae rm --undo {one}" in removed
    assert one in dae(store, "rm", "--undo", one).stdout
    assert one[:12] in dae(store, "runs").stdout
    assert "none has the id" in dae(store, "rm", "--undo", one, status=2).stderr
    assert dae(store, "rm", one, "--yes").stdout == removed
    before = room(store)
    assert "in all" in dae(store, "gc", "--keep", "1", "--dry-run").stdout
    assert room(store) == before
    dae(store, "gc", "--keep", "1", "--yes")
    assert room(store) < before
    assert "has freed cannot come back" in " ".join(dae(store, "rm", "--undo", one, status=2).stderr.split())
    again = run(store)
    assert len(again["reused"]) == 6
    assert again["denoising"] == kept["denoising"]


def room(store: Path) -> int:
    """Bytes of artifacts, results and checkpoints: databases grow by looking."""
    folders = ("artifacts", "results", "checkpoints")
    return sum(path.stat().st_size for name in folders for path in (store / name).rglob("*") if path.is_file())


PLUGIN = '''"""A stranger's corruption."""

from daecore import Corruption, Options, hookimpl


class Mine(Options):
    """Scales every value."""

    factor: float = 0.5


def mine(x, options, *, generator):
    return x * options.factor


@hookimpl
def register_corruptions():
    return [Corruption(name="mine", options=Mine, function=mine, shapes="images")]
'''


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed distribution of one module, on the path of the processes that a test starts."""
    installed = tmp_path / "site"
    metadata = installed / "mine-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[daecore.plugins]\nmine = mine\n")
    (installed / "mine.py").write_text(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(installed))
    return installed / "mine.py"


@pytest.mark.long
def test_a_changed_corruption_runs_again_exactly_what_it_touches(store: Path, run: Run, stranger: Path) -> None:
    """With the same options: new code means new baselines and a new training, but no new data and no new control."""
    mine = ["--set", "corruptions=[{mine: {}}]"]
    before = run(store, *mine)
    assert before["plugins"]["corruption mine"].startswith("mine 1.0 sha256:")
    stranger.write_text(PLUGIN.replace("x * options.factor", "(x * options.factor).round()"))
    after = run(store, *mine)
    assert set(after["reused"]) == {"load_dataset", "train_control"}
    assert after["denoising"]["corrupted_db"] != before["denoising"]["corrupted_db"]


def test_a_loss_that_is_not_finite_fails_the_run_and_says_where(store: Path, dae: Any, stranger: Path) -> None:
    """Exit status 1, epoch and step named, and MLflow says FAILED of the training and of the run."""
    stranger.write_text(PLUGIN.replace("x * options.factor", "x / 0"))
    broken = ["digits-erasure", "--set", "corruptions=[{mine: {}}]", "--set", "transfer=null"]
    said = dae(store, "run", *broken, status=1).stderr
    assert "epoch 1, step 1" in said
    assert "Traceback" not in said
    assert [one.info.status for one in newest(store, 2)] == ["FAILED", "FAILED"]


def test_a_picture_with_nan_fails_the_run_and_is_named(store: Path, dae: Any, tmp_path: Path) -> None:
    """A user's own file: exit status 1, the file named, and MLflow says FAILED."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        values = np.full((32, 32), 0.5, dtype=np.float32)
        values[0, 0] = np.nan if number == 5 else 0
        Image.fromarray(values).save(folder / f"{number}.tiff")
    data = f"dataset={{image_folder: {{path: {folder}, size: 16}}}}"
    said = dae(store, "run", "digits-erasure", "--set", data, "--set", "transfer=null", status=1).stderr
    assert "5.tiff" in said
    assert [one.info.status for one in newest(store, 1)] == ["FAILED"]


def newest(store: Path, count: int) -> list:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    experiments = [e.experiment_id for e in client.search_experiments()]
    return list(client.search_runs(experiments, max_results=count, order_by=["attributes.start_time DESC"]))


def test_more_labels_than_there_are_end_the_run_before_any_training(store: Path, dae: Any) -> None:
    """Exit status 2: it is wrong input, known once the data are."""
    said = dae(store, "run", "digits-erasure", "--set", "transfer.labels=[5000]", "--set", "seed=99", status=2).stderr
    assert "transfer.labels: 5000 labels" in said
    assert "Use at most" in said


SCHEMA = """
from daecore_flows.store.store import current_store
current_store().enter()
from daecore_flows.pipeline import denoise
branches = denoise.parameters.properties["corruptions"]["anyOf"]
print(*(branch["title"] for branch in branches))
"""


@pytest.mark.long
def test_the_example_package_is_a_tab_of_the_form_and_runs_inside_a_mixture(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, program: Any
) -> None:
    """`pip install` of a folder is all it takes: no line of this repository knows of it."""
    source, target = tmp_path / "source", tmp_path / "installed"
    shutil.copytree(Path(__file__).parents[1] / "example_plugin", source)
    quiet = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-P", "-m", "pip", "install", *quiet, "--target", target, source], check=True)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(target), os.environ.get("PYTHONPATH", "")])))
    assert {"scan", "erasure", "mixture"} <= set(program(store, SCHEMA)[-1].split())
    mixed = "corruptions=[{mixture: {corruptions: [{scan: {period: 3}}, {erasure: {}}], weights: [1, 2]}}]"
    report = run(store, "--set", mixed, "--set", "transfer=null")
    assert report["plugins"]["corruption scan"].startswith("dae-scan 0.1.0 sha256:")
    assert report["denoising"]["restored_db"] > report["denoising"]["corrupted_db"]


TWINS = """
from daecore_flows.store.store import current_store
current_store().enter()
from prefect import flow
from daecore_flows.stages.key import Code
from daecore_flows.stages.stage import Request, Stage

def transfer(request: Request) -> str:
    return "transfer"

def load_dataset(request: Request) -> str:
    return "load_dataset"

code = Code("daecore_flows.stages.stage", ())
stages = Stage(transfer, code), Stage(load_dataset, code)

@flow
def both() -> list[str]:
    return [each(Request(key=each.key_of({"same": 1}, []))) for each in stages * 2]

print(both())
"""


def test_two_stages_with_equal_inputs_keep_two_results(store: Path, program: Any) -> None:
    """What one stage has cached is never taken for the other's."""
    assert program(store, TWINS)[-1] == "['transfer', 'load_dataset', 'transfer', 'load_dataset']"


LONG = ["digits-erasure", "--set", "training.epochs=40", "--set", "training.batch=64", "--set", "transfer=null"]
CONV = ["--set", "architecture={conv: {code: 16}}", "--set", "training.precision=bf16"]


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command starts Prefect's server itself, with a database in its store."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def trains(store: Path) -> list[Path]:
    """The checkpoints of what is under way."""
    return list((store / "checkpoints").glob("*.safetensors"))


@pytest.mark.long
def test_a_killed_training_goes_on_to_the_same_weights(
    tmp_path: Path, own_server: None, run: Run, started: Any, runs: Any, history: Any, wait_until: Any
) -> None:
    """SIGKILL loses at most one epoch: same digest, one child run, no step twice, nothing RUNNING on either side.

    That every precision, network and way of training goes on bit by bit is a test of the loop.
    """
    arguments, broken = [*LONG, *CONV], tmp_path / "broken"
    whole = run(tmp_path / "whole", *arguments[1:])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = started(broken, "run", *arguments, start_new_session=True, **quiet)
    wait_until(lambda: trains(broken), 120)
    os.killpg(process.pid, signal.SIGKILL)  # with the Prefect server it started, which would outlive it
    process.wait()
    assert trains(broken), "the training was over before the kill"
    again = run(broken, *arguments[1:])
    assert again["training"]["weights_sha256"] == whole["training"]["weights_sha256"]
    (child,) = runs(broken, "train_autoencoder")
    assert child.info.status == "FINISHED"
    assert history(broken, child.info.run_id) == list(range(1, 41))
    assert flow_runs(broken) == ["COMPLETED", "CRASHED"]


def flow_runs(store: Path) -> list[str]:
    """What Prefect says of the store's flow runs."""
    with closing(sqlite3.connect(store / "prefect" / "prefect.db")) as database:
        return sorted(state for (state,) in database.execute("SELECT state_type FROM flow_run"))


@pytest.mark.long
def test_two_processes_with_one_experiment_train_once(
    tmp_path: Path, own_server: None, started: Any, runs: Any
) -> None:
    """In a new store, too, whose databases both would make; the second waits for the first and takes its model."""
    reports = [tmp_path / f"{number}.json" for number in (1, 2)]
    both = [started(tmp_path / "store", "run", *LONG, "--report", report) for report in reports]
    assert [process.wait() for process in both] == [0, 0]
    assert len(runs(tmp_path / "store", "train_autoencoder")) == 1
    first, second = (json.loads(report.read_text())["training"]["weights_sha256"] for report in reports)
    assert first == second


@pytest.mark.long
def test_an_interrupt_ends_the_run_killed_and_tells_how_to_go_on(
    tmp_path: Path, store: Path, started: Any, runs: Any, wait_until: Any
) -> None:
    """Ctrl-C: exit status 130, MLflow says KILLED, and the command that goes on is printed."""
    arguments = ["digits-erasure", "--set", "training.epochs=2000", "--set", "transfer=null"]
    process = started(tmp_path, "run", *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_until(lambda: trains(tmp_path), 120)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 130, output
    assert "dae run digits-erasure" in output
    assert {one.info.status for one in runs(tmp_path, "train_autoencoder")} == {"KILLED"}


PROGRAM = """
from daecore_flows.pipeline import denoise
small = {"dense": {"widths": [16], "code": 4}}
print(denoise(dataset={"digits": {}}, architecture=small, training={"epochs": 1, "threads": 1}, transfer=None).run_id)
"""


@pytest.mark.long
def test_a_flow_that_nobody_has_prepared_enters_the_store_itself(server: str, tmp_path: Path) -> None:
    """As a work pool's worker runs it, or a Python program: what it makes lies where DAE_STORE says."""
    variables = {"DAE_STORE": str(tmp_path / "store"), "DAE_DATA": str(tmp_path / "data"), "PREFECT_API_URL": server}
    quiet = {"PREFECT_HOME": str(tmp_path / "prefect"), "DO_NOT_TRACK": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAE_", "MLFLOW_", "PREFECT_"))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        env={**kept, **variables, **quiet},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(tmp_path / "store" / "mlflow.db")) as database:
        (status,) = database.execute("SELECT status FROM runs WHERE run_uuid = ?", [done.stdout.split()[-1]]).fetchone()
    assert status == "FINISHED"


DRAWS = [
    "--set",
    "architecture={unet: {sampler: true, widths: [4, 8]}}",
    "--set",
    "objective=flow",
    "--set",
    "transfer=null",
]


def test_what_a_network_draws_is_measured_kept_and_shown(store: Path, run: Run, first: dict, server: str) -> None:
    """In the report, the run's files and metrics, the page and Prefect's artifact; the second time from the cache."""
    drawn = run(store, *DRAWS)
    sampling = drawn["sampling"]
    assert (sampling["pictures"], sampling["draws"]) == (150, 8)  # half of the few test digits: the others compare
    found = {name for name, measure in sampling["measures"].items() if measure["value"]}
    assert {"error_over_own_mean", "error_over_mean", "coverage", "variance", "frechet"} <= found
    artifacts = Path(drawn["files"]["artifacts"])
    assert np.asarray(Image.open(artifacts / "samples.png")).std() > 0
    assert "Samples of what could have been" in (artifacts / "report.html").read_text()
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        rows = database.execute("select key, value from latest_metrics where run_uuid = ?", [drawn["mlflow"]["run_id"]])
        kept = dict(rows.fetchall())
    expected = sampling["measures"]["error_over_mean"]["value"]["mean"]
    assert kept["samples.error_over_mean.mean"] == pytest.approx(expected)
    assert first["sampling"] is None
    again = run(store, *DRAWS)
    assert "evaluate_samples" in again["reused"]
    assert again["sampling"] == sampling
    assert again["training"]["weights_sha256"] == drawn["training"]["weights_sha256"]
