"""Runs on a dataset in chunks on an S3 server: the weights of memory, by two processes, also after a kill."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import Bucket

TRAINS = ["training.epochs=40", "training.batch=64", "transfer=null"]
PACKED = ["digits-erasure", *(word for it in TRAINS for word in ("--set", it))]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a place in an empty bucket; the environment names its server, and keys."""
    server = Bucket()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield f"s3://{server.name}/digits"
    server.end()


@pytest.mark.long
def test_chunks_train_the_weights_of_memory(
    bucket: str, tmp_path: Path, dae: Any, started: Any, wait_until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes fetch into one data folder at the same time; one of them is killed, and goes on."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    data = tmp_path / "data"
    done = dae(tmp_path / "store", "data", "pack", "digits", bucket, new=True)
    assert f"1,797 samples in 3 chunks: {bucket}" in done.stdout
    reports = {name: tmp_path / f"{name}.json" for name in ("memory", "one", "two")}
    dae(tmp_path / "memory", "run", *PACKED, "--report", reports["memory"], new=True)
    chunks = [*PACKED, "--set", f"dataset={{packed: {{url: {bucket}}}}}", "--data", data]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    begun = {
        name: started(tmp_path / name, "run", *chunks, "--report", reports[name], **quiet) for name in ("one", "two")
    }
    wait_until(lambda: list((tmp_path / "one" / "checkpoints").glob("*.safetensors")), 120)
    os.killpg(begun["one"].pid, signal.SIGKILL)
    begun["one"].wait()
    assert not reports["one"].exists(), "the training was over before the kill"
    assert begun["two"].wait() == 0
    dae(tmp_path / "one", "run", *chunks, "--report", reports["one"], new=True)
    found = [json.loads(report.read_text())["training"]["weights_sha256"] for report in reports.values()]
    assert len(set(found)) == 1
