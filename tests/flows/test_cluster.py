"""Sweeps on a Ray cluster of two nodes of one processor each, all real: the weights of one machine, whoever dies."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from studio import free_port, wait_until

pytestmark = [pytest.mark.long, pytest.mark.cluster]

RAY = str(Path(sys.executable).parent / "ray")
SWEEP = [
    "sweep", "digits-erasure", "--space", "training.learning_rate=[1.0e-3, 2.0e-3, 3.0e-3, 4.0e-3, 5.0e-3, 6.0e-3]",
    "--parallel", "6", "--threads", "1", "--set", "transfer=null", "--set",
]  # fmt: skip


class Cluster:
    """A head, and another node on another address, from which the loopback of who asks cannot be reached."""

    def __init__(self, folder: Path) -> None:
        self.folder, port = folder, free_port()
        self.address = f"127.0.0.1:{port}"
        self.door = free_port()
        doors = [f"--port={port}", f"--ray-client-server-port={self.door}"]
        self.head = self._begin("--head", *doors, f"--temp-dir={folder}", "--include-dashboard=false")
        self.begin_other()

    def _begin(self, *words: str) -> psutil.Popen:
        environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
        common = ["start", "--block", "--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats"]
        said = self.folder / f"{len(words)}.log"
        with said.open("w") as log:
            node = psutil.Popen([RAY, *common, *words], env=environment, stdout=log, stderr=log)
        wait_until(lambda: "--block" in said.read_text() or node.poll() is not None, 60)
        assert node.poll() is None, said.read_text()
        return node

    def begin_other(self) -> None:
        """Begin the second node, again or for the first time."""
        self.other = self._begin(f"--address={self.address}", "--node-ip-address=127.0.0.2")

    def tasks(self, name: str = "trial") -> list[psutil.Process]:
        """The processes that are at a trial, or at what else has that name."""
        nodes = [node for node in (self.head, self.other) if node.is_running()]
        below = [process for node in nodes for process in node.children(recursive=True)]
        return [process for process in below if process.name().startswith(f"ray::{name}")]

    def kill_other(self) -> None:
        """End the second node as a power cut would, with all it has begun."""
        for process in (self.other, *self.other.children(recursive=True)):
            process.kill()
        self.other.wait()

    def end(self) -> None:
        """End both."""
        for node in (self.other, self.head):
            if node.is_running():
                node.terminate()
                node.wait(60)


@pytest.fixture(scope="module")
def mortal() -> Iterator[Cluster]:
    """A cluster of which tests kill the second node."""
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:  # the paths of Ray's sockets must be short
        found = Cluster(Path(folder))
        try:
            yield found
        finally:
            found.end()


@pytest.fixture
def cluster(mortal: Cluster) -> Cluster:
    """The same, whole."""
    if not mortal.other.is_running():
        mortal.begin_other()
    return mortal


def written(store: Path) -> dict[Path, float]:
    """The checkpoints of a store, and when each was written."""
    return {path: path.stat().st_mtime for path in store.glob("checkpoints/*.safetensors")}


def finished(store: Path) -> list[Path]:
    """The reports of a store's trials so far."""
    return list(store.glob("artifacts/*/*/artifacts/report.json"))


def weights(store: Path) -> dict[float, str]:
    """The digest of each finished trial's weights, by its learning rate."""
    [record] = (store / "sweeps").glob("*.json")
    trials = json.loads(record.read_text())["trials"]
    found = {}
    for trial in trials:
        [run] = trial["runs"]
        assert run["state"] == "finished", run
        report = next(store.glob(f"artifacts/*/{run['run_id']}/artifacts/report.json"))
        found[trial["point"]["training.learning_rate"]] = json.loads(report.read_text())["training"]["weights_sha256"]
    return found


def test_a_sweep_over_both_nodes_gives_the_weights_of_one_machine(
    cluster: Cluster, tmp_path: Path, dae: Any, started: Any
) -> None:
    """While a process and then a node is killed, after two trials: every trial ends, with these weights."""
    dae(tmp_path / "here", *SWEEP, "training.epochs=60", new=True)
    expected = weights(tmp_path / "here")
    assert len(set(expected.values())) == 6
    store = tmp_path / "cluster"
    begun = started(store, *SWEEP, "training.epochs=60", "--cluster", cluster.address, stderr=subprocess.PIPE)
    wait_until(lambda: len(cluster.tasks()) == 2, 120)
    wait_until(lambda: len(finished(store)) >= 2, 120)
    cluster.tasks()[0].kill()
    wait_until(lambda: len(cluster.tasks()) == 2, 60)
    cluster.kill_other()
    _, said = begun.communicate(timeout=300)
    assert begun.returncode == 0, said
    assert weights(store) == expected
    assert "trials: 6 of 6" in said


def test_one_training_on_both_nodes_gives_the_weights_of_one_machine(
    cluster: Cluster, tmp_path: Path, dae: Any, started: Any
) -> None:
    """Two processes, a node each. One is killed, who follows or who leads: it is begun again, and goes on."""
    one = ["sweep", "digits-erasure", "--space", "training.learning_rate=[2.0e-3]", "--threads", "1"]
    two = [*one, "--set", "transfer=null", "--set", "training.devices=2", "--set", "training.epochs=100"]
    dae(tmp_path / "here", *two, new=True)
    expected = weights(tmp_path / "here")
    store = tmp_path / "cluster"
    begun = started(store, *two, "--cluster", cluster.address, stderr=subprocess.PIPE)
    for name in ("follower", "trial"):
        before = written(store)
        wait_until(lambda before=before: written(store) != before, 120)
        [killed] = cluster.tasks(name)
        killed.kill()
    _, said = begun.communicate(timeout=300)
    assert begun.returncode == 0, said
    assert "a training has lost one of its processes; it is begun again" in said
    assert weights(store) == expected
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        logged = "select step, count(*) from metrics where key = 'loss' group by run_uuid, step"
        assert sorted(database.execute(logged)) == [(epoch, 1) for epoch in range(1, 101)]
    refused = dae(store, *two, "--set", "training.devices=3", "--cluster", cluster.address, status=2)
    assert "A training asks for 3 processes with 1 CPU and 0 GPU of one machine each" in refused.stderr


def test_ctrl_c_ends_the_trials_on_the_cluster(cluster: Cluster, tmp_path: Path, started: Any, dae: Any) -> None:
    """Their processes compute nothing any more, and the same command goes on."""
    long = [*SWEEP, "training.epochs=2000", "--cluster", cluster.address]
    begun = started(tmp_path, *long, stderr=subprocess.PIPE, start_new_session=True)
    wait_until(lambda: len(list((tmp_path / "checkpoints").glob("*"))) == 2, 120)
    begun.send_signal(signal.SIGINT)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == 130, said
    assert "The same command goes on where it was" in said
    time.sleep(2)
    before = {path: path.stat().st_mtime for path in (tmp_path / "checkpoints").glob("*")}
    time.sleep(4)
    assert {path: path.stat().st_mtime for path in (tmp_path / "checkpoints").glob("*")} == before


def test_a_clusters_own_door_leads_there_too(cluster: Cluster, tmp_path: Path, dae: Any) -> None:
    """By ``ray://``, from a machine that is none of it; what no machine of it has is refused before anything begins."""
    space = ["sweep", "digits-erasure", "--space", "training.learning_rate=[1.0e-3, 2.0e-3]", "--set", "transfer=null"]
    short = [*space, "--parallel", "2", "--set", "training.epochs=1", "--cluster"]
    done = dae(tmp_path, *short, f"ray://127.0.0.1:{cluster.door}", "--threads", "1", new=True)
    assert "Best of 2" in done.stdout
    refused = dae(tmp_path / "other", *short, cluster.address, "--threads", "3", new=True, status=2)
    assert "A training asks for 3 CPU and 0 GPU of one machine, and the cluster" in refused.stderr
    assert "127.0.0.2: 1 CPU, 0 GPU" in refused.stderr


def test_where_no_cluster_is_one_paragraph_says_so(tmp_path: Path, dae: Any) -> None:
    """With what to do; nothing was begun."""
    words = [*SWEEP, "training.epochs=1", "--cluster", f"127.0.0.1:{free_port()}"]
    done = dae(tmp_path, *words, new=True, status=2)
    assert "There is no Ray cluster at 127.0.0.1" in done.stderr
    assert "ray start --head" in done.stderr
    assert not (tmp_path / "mlflow.db").exists()


STUDY = """
from daecore_flows.store.store import current_store
current_store().enter()
from prefect import flow
from daecore_flows.store import tracking
from daecore_flows.studies.laboratory import Laboratory

@flow
def trained():
    tracking.prepare(current_store())
    run = tracking.start(tracking.experiment_id("test", current_store()), "study", {}, {})
    short = ("training.epochs=2", "training.threads=1")
    with Laboratory(current_store(), run) as lab:
        found = list(lab.train_all([lab.experiment("digits-erasure", *short, f"seed={seed}") for seed in range(5)]))
        print(*(it.ref.summary.weights_sha256 for it in found))
        print(*(it.reused for it in lab.call.timings))

trained()
"""


def test_a_study_trains_on_the_cluster_too(
    cluster: Cluster, tmp_path: Path, program: Any, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the training of its own process; all networks are those of one machine, and in the cache."""
    monkeypatch.setenv("PREFECT_API_URL", server)
    *_, alone, _ = program(tmp_path / "alone", STUDY)
    monkeypatch.setenv("DAE_CLUSTER", cluster.address)
    *_, together, reused = program(tmp_path / "cluster", STUDY)
    assert together == alone
    assert "True" in reused, "the cluster trained nothing"
