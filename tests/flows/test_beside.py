"""Several users of one machine: runs of separate stores at once, and a finished experiment while others compute."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest
from commands import DAE
from daecore_flows.store import device_lock

from daecore.device import Device

COMMAND = [DAE, "run", "digits-erasure", "--set", "training.epochs=10", "--set", "transfer=null"]

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def _cores(tmp_path_factory: pytest.TempPathFactory, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cores that these runs share, and one server of Prefect's for all, which spares each its own."""
    monkeypatch.setenv("DAE_LOCKS", str(tmp_path_factory.mktemp("cores")))
    monkeypatch.setenv("PREFECT_API_URL", server)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def run(store: Path) -> None:
    """One run."""
    environment = {**os.environ, "DAE_STORE": str(store), "DAE_DATA": str(store.parent / "data")}
    command = [*COMMAND, "--report", f"{store}.json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """Its seconds, and those of the processors: threads that wait for each other spin."""
    began, before = time.perf_counter(), getrusage(RUSAGE_CHILDREN)
    work()
    after = getrusage(RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_three_at_once_take_no_longer_than_in_turn_and_again_train_nothing(tmp_path: Path) -> None:
    """With a thread per core each, several on two cores hardly end. The second run of one waits for nobody's cores."""
    alone, computed = cost(lambda: run(tmp_path / "alone"))
    stores = [tmp_path / str(number) for number in range(3)]
    with ThreadPoolExecutor(3) as runs:
        together, computed_together = cost(lambda: list(runs.map(run, stores)))
    assert computed_together < 1.3 * 3 * computed
    assert together < 2 * 3 * alone  # whatever else this machine does
    reports = [json.loads(Path(f"{store}.json").read_text()) for store in stores]
    assert len({(it["training"]["weights_sha256"], it["training"]["threads"]) for it in reports}) == 1
    with device_lock.hold(Device(kind="cpu", precision="float32", threads=device_lock.cores())):
        run(stores[0])
    again = json.loads(Path(f"{stores[0]}.json").read_text())
    assert set(again["reused"]) == {"load_dataset", "train_autoencoder", "measure_baselines", "evaluate_denoising"}
    assert again["training"]["weights_sha256"] == reports[0]["training"]["weights_sha256"]
