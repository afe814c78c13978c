"""Trainings side by side: the very networks that each would be alone, all in the cache and in MLflow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from daecore_flows import devices
from daecore_flows.records import DatasetRef, TrainingRequest
from daecore_flows.requests import training_request
from daecore_flows.series import side_by_side
from daecore_flows.series.laboratory import chosen

DIGITS = DatasetRef(
    data={"digits": {}}, sha256="0", shape=(1, 8, 8), test_shapes=((1, 8, 8),), classes=10, smallest_class=100,
    sizes={"train": 1_000, "validation": 100, "test": 100},
)  # fmt: skip


def asked(threads: int, seed: int = 0) -> TrainingRequest:
    return training_request(chosen("digits-erasure", [f"training.threads={threads}", f"seed={seed}"]), DIGITS)


@pytest.mark.parametrize(
    ("cores", "threads", "count", "wanted"),
    [
        (2, 1, 5, 2),
        (2, 2, 5, 1),
        (8, 3, 5, 2),
        (64, 1, 50, side_by_side.MOST),
        (8, 1, 3, 3),
        (2, 8, 5, 1),
        (2, 1, 0, 0),
    ],
)
def test_as_many_at_once_as_the_cores_carry(
    cores: int, threads: int, count: int, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never more than there are trainings, or than memory holds."""
    monkeypatch.setattr(devices, "cores", lambda: cores)
    assert side_by_side.at_once([asked(threads, seed) for seed in range(count)]) == wanted


def test_on_a_gpu_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held whole, so that a second process would only wait for it."""
    monkeypatch.setattr(devices, "cores", lambda: 8)
    one = asked(1)
    on_gpu = one.model_copy(update={"place": one.place.model_copy(update={"device": "cuda"})})
    assert side_by_side.at_once([on_gpu, on_gpu]) == 1


SCRIPT = """
import json, sys
from daecore_flows.store import current_store
current_store().enter()
from prefect import flow
from daecore_flows import tracking
from daecore_flows.series.laboratory import Laboratory

@flow
def trained(changes):
    tracking.prepare(current_store())
    with Laboratory(current_store(), tracking.experiment_id("test", current_store()), "") as lab:
        short = ("training.epochs=2", "training.threads=1")
        wanted = [lab.experiment("digits-erasure", *short, *each) for each in changes]
        found = lab.train_all(wanted)
        runs = [tracking.client().get_run(it.ref.run_id) for it in found]
        assert all(run.info.status == "FINISHED" for run in runs)
        assert [run.data.params["seed"] for run in runs] == [str(it.seed) for it in wanted]
        print(*(it.reused for it in lab.call.timings))
        print(*(it.ref.summary.weights_sha256 for it in found))

trained(json.loads(sys.argv[1]))
"""


def lab(store: Path, changes: list[list[str]], cores: int) -> subprocess.CompletedProcess[str]:
    """What a laboratory says of these trainings, on a machine with so many cores."""
    environment = {**os.environ, "DAE_STORE": str(store), "DAE_DATA": str(store / "data")}
    patched = f"import os; os.sched_getaffinity = lambda pid: set(range({cores}))\n{SCRIPT}"
    command = [sys.executable, "-c", patched, json.dumps(changes)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_they_are_the_networks_that_each_would_be_alone(tmp_path: Path) -> None:
    """In their order and to the bit; afterwards each is in the cache."""
    seeds = [[f"seed={seed}"] for seed in range(4)]
    beside, alone = lab(tmp_path / "beside", seeds, 2), lab(tmp_path / "alone", seeds, 1)
    assert beside.returncode == 0, beside.stderr
    assert beside.stdout.splitlines()[-1] == alone.stdout.splitlines()[-1]
    again = lab(tmp_path / "beside", seeds, 2)
    assert again.stdout.splitlines()[-2].split() == ["True"] * 5  # the data, and each of the four
