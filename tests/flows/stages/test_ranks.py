"""Processes that train together: what is refused, what is said where one is gone, and what torchrun's are told."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from daecore_flows.stages import local_ranks, ranks, torchrun
from torch import distributed

from daecore.errors import InputError
from daecore.training.joining import TORCHRUN, RankLost, launched_world


def begin(monkeypatch: pytest.MonkeyPatch, rank: int, size: int) -> None:
    for name, value in {"RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": 1}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv(TORCHRUN, "none")


def test_another_number_than_torchrun_has_begun_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one: the others would wait for ever."""
    begin(monkeypatch, 0, 4)
    for size in (1, 2):
        with pytest.raises(InputError, match=f"begun 4 processes, and training.devices is {size}. Set .*=4"):
            ranks.require_devices("cpu", size)
    ranks.require_devices("cpu", 4)
    assert torchrun.processes_here(4) == 1


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """On this machine; torchrun brings others."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match=r"training\.devices is 2, and torch sees 1 CUDA device here"):
        ranks.require_devices("cuda", 2)
    begin(monkeypatch, 0, 2)
    ranks.require_devices("cuda", 2)


def test_a_rank_in_the_environment_is_not_torchruns(monkeypatch: pytest.MonkeyPatch) -> None:
    """SLURM's own job steps and other programs set such names, too."""
    begin(monkeypatch, 1, 2)
    monkeypatch.delenv(TORCHRUN)
    assert launched_world().size == 1


def test_who_follows_is_told_each_training_and_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order; of another attempt of torchrun's nothing is heard."""
    store = distributed.HashStore()
    monkeypatch.setattr(torchrun, "meeting_store", lambda: store)
    begin(monkeypatch, 0, 2)
    monkeypatch.setenv(torchrun.COMMAND, "")
    monkeypatch.setenv(torchrun.RESTARTS, "1")
    torchrun.begin_command()
    torchrun.dismiss()
    monkeypatch.setenv(torchrun.RESTARTS, "2")
    torchrun.begin_command()
    told = torchrun.Told(request="{}", folders={"DAE_STORE": "/somewhere"})
    assert torchrun.tell(told) == 0
    assert torchrun.tell(told) == 1
    torchrun.dismiss()
    assert [torchrun.next_message(number) for number in range(3)] == [told, told, None]
    torchrun.begin_command()  # the script's second command
    assert torchrun.tell(told) == 0
    monkeypatch.setenv("RANK", "1")
    torchrun.begin_command()
    assert os.environ[torchrun.COMMAND] == "1", "another process is still at the first"
    torchrun.begin_command()
    assert torchrun.next_message(0) == told


def test_a_follower_that_cannot_begin_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, with its own last words, and nothing is left of it."""

    def broken(folder: Path, rank: int, size: int) -> subprocess.Popen[bytes]:
        with (folder / f"{rank}.log").open("wb") as log:
            return subprocess.Popen([sys.executable, "-c", "raise SystemExit('no such plugin: dust')"], stderr=log)

    monkeypatch.setattr(local_ranks, "begin_follower", broken)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before, entered = dict(os.environ), ranks.lead("{}", "cpu", 3, dict)
    with (
        pytest.raises(RankLost, match=r"Process 1 of the 3 .*status 1, after saying: no such plugin: dust"),
        entered,
    ):
        raise AssertionError("nothing was to begin")
    assert dict(os.environ) == before


def test_an_error_of_the_training_itself_is_no_lost_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes out as it is, and the followers are ended."""
    begun = []

    def idle(folder: Path, rank: int, size: int) -> subprocess.Popen[bytes]:
        local_ranks.sign_of_life(folder, rank).touch()
        begun.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
        return begun[-1]

    monkeypatch.setattr(local_ranks, "begin_follower", idle)
    monkeypatch.setattr(ranks, "meet", lambda folder, device, world: nullcontext(world))
    monkeypatch.setattr(local_ranks, "GRACE_SECONDS", 0.2)
    for error in (
        InputError("too dark"),
        OSError("Connection refused"),
        RuntimeError("the connection to MLflow broke"),
    ):
        with pytest.raises(type(error), match=str(error)), ranks.lead("{}", "cpu", 2, dict):
            raise error
        assert begun[-1].poll() is not None


def test_a_process_that_dies_in_the_midst_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the broken connection that it leaves behind."""

    def short(folder: Path, rank: int, size: int) -> subprocess.Popen[bytes]:
        local_ranks.sign_of_life(folder, rank).touch()
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    begun: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(local_ranks, "begin_follower", lambda *given: begun.append(short(*given)) or begun[-1])
    monkeypatch.setattr(ranks, "meet", lambda folder, device, world: nullcontext(world))

    def together() -> None:
        with ranks.lead("{}", "cpu", 2, dict):
            begun[0].kill()
            raise RuntimeError("[gloo] Connection closed by peer")

    with pytest.raises(RankLost, match=r"Process 1 of the 2 .* \(ended by signal 9\)"):
        together()
