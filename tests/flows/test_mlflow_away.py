"""MLflow's server dies, stands still, or stays away while a run trains: every epoch is told once, whoever waits."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import Mlflow
from studio import wait_until

pytestmark = pytest.mark.long
EPOCHS = 400
RUN = ["run", "digits-erasure", "--set", f"training.epochs={EPOCHS}", "--set", "training.threads=1", "--set",
       "transfer=null"]  # fmt: skip


class Server(Mlflow):
    """One that is asked what it was told."""

    def require_each_epoch_once(self) -> None:
        """Every figure of every epoch is there, once."""
        for key in ("loss", "validation_loss", "epoch_seconds", "images_per_second"):
            found = self.ask(f"select step, count(*) from metrics where key = '{key}' group by run_uuid, step")
            assert sorted(found) == [(epoch, 1) for epoch in range(1, EPOCHS + 1)], key


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One that every command is told of."""
    made = Server(tmp_path)
    monkeypatch.setenv("DAE_MLFLOW_URI", made.url)
    yield made
    made.tell(signal.SIGKILL)


def training(store: Path, started: Any) -> subprocess.Popen[str]:
    """A run that trains by now."""
    begun: subprocess.Popen[str] = started(store, *RUN, stderr=subprocess.PIPE)
    wait_until(lambda: list(store.glob("checkpoints/*.safetensors")), 120)
    return begun


def checkpoint(store: Path) -> float:
    """When it was written last."""
    return max((path.stat().st_mtime for path in store.glob("checkpoints/*.safetensors")), default=time.time())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_training_does_not_wait_for_a_server_that_is_away(
    tmp_path: Path, server: Server, started: Any, how: signal.Signals
) -> None:
    """It trains on, and when the server is back it is told everything, once."""
    store = tmp_path / "store"
    begun = training(store, started)
    server.tell(how)
    time.sleep(1)
    before = checkpoint(store)
    wait_until(lambda: checkpoint(store) > before + 2, 60)
    if how == signal.SIGKILL:
        server.begin()
    else:
        server.tell(signal.SIGCONT)
    _, said = begun.communicate(timeout=200)
    assert begun.returncode == 0, said
    server.require_each_epoch_once()
    assert server.ask("select distinct status from runs") == [("FINISHED",)]
    assert list((store / "journal").iterdir()) == []


def test_one_that_stays_away_costs_nothing_but_the_wait(
    tmp_path: Path, server: Server, started: Any, dae: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends with a paragraph, `dae sync` delivers what waits, and the same command goes on."""
    store = tmp_path / "store"
    monkeypatch.setenv("DAE_MLFLOW_PATIENCE", "10")
    begun = training(store, started)
    server.tell(signal.SIGKILL)
    _, said = begun.communicate(timeout=120)
    assert begun.returncode == 1
    [paragraph] = [line for line in said.splitlines() if line.startswith("dae: ")]
    assert "MLflow has not answered for" in paragraph
    assert "deliver them with `dae sync`, and give the same command again" in paragraph
    assert "Traceback" not in said
    server.begin()
    assert "runs have more to tell MLflow than it has heard: `dae sync`" in dae(store, "doctor", status=1).stdout
    assert "messages told" in dae(store, "sync").stdout
    server.require_each_epoch_once()
    assert server.ask("select distinct status from runs") == [("FAILED",)]
    assert "Nothing waits" in dae(store, "sync").stdout
    dae(store, *RUN)
    server.require_each_epoch_once()
    assert server.ask("select status, count(*) from runs group by status order by status") == [
        ("FAILED", 1), ("FINISHED", 2)
    ]  # fmt: skip


def test_a_run_without_its_server_can_be_ended(tmp_path: Path, server: Server, started: Any) -> None:
    """SIGTERM is heard at once: nobody waits to be told that it ends."""
    store = tmp_path / "store"
    begun = training(store, started)
    server.tell(signal.SIGKILL)
    time.sleep(2)
    begun.terminate()
    began = time.monotonic()
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == 130
    assert time.monotonic() - began < 20
    assert "The same command goes on from its last checkpoint" in said
