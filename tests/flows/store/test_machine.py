"""The machine's locks: held by one process at a time, whoever owns their files, and freed when it dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from daecore_flows.store import machine
from daecore_flows.store.machine import Lock, holders, locks


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own."""
    monkeypatch.setenv("DAE_LOCKS", str(tmp_path))
    monkeypatch.setattr(machine, "_told", set())
    return tmp_path


HOLD = """
from daecore_flows.store.machine import Lock
print(Lock("core-0").take(), flush=True)
input()
"""


def test_a_killed_holder_frees_it_and_is_named_before(folder: Path) -> None:
    """The kernel does so, however a process dies."""
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        lock = Lock("core-0")
        assert not lock.free()
        assert not lock.take()
        assert f"process {other.pid} (" in holders([lock.path])
        other.send_signal(signal.SIGKILL)
    assert lock.free()
    assert lock.take()
    assert holders([lock.path]) == ""  # oneself is no other
    lock.close()


def test_whatever_the_umask_others_may_open_it_and_nobody_write_it(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        Lock("core-0").close()
    finally:
        os.umask(before)
    assert (folder / "daecore-core-0.lock").stat().st_mode & 0o777 == 0o644


def test_what_is_there_is_opened_without_creating(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With O_CREAT Linux denies another user's file in /tmp, where `fs.protected_regular` is set."""
    Lock("core-0").close()
    asked = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, flags, *mode: asked.append(flags) or real(path, flags, *mode))
    Lock("core-0").close()
    assert asked
    assert not any(flags & (os.O_CREAT | os.O_RDWR | os.O_WRONLY | os.O_TRUNC) for flags in asked)


def planted_link(path: Path) -> None:
    path.symlink_to(path.parent / "elsewhere")


def planted_link_to_a_file(path: Path) -> None:
    (path.parent / "secret").write_text("mine")
    path.symlink_to(path.parent / "secret")


def planted_fifo(path: Path) -> None:
    os.mkfifo(path)


def planted_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("planted", [planted_link, planted_link_to_a_file, planted_fifo, planted_folder])
def test_what_somebody_has_planted_is_not_followed_and_one_goes_on(
    planted, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once; nothing is made or changed where a link leads, and nobody waits at a pipe."""
    planted(folder / "daecore-core-1.lock")
    for _ in range(2):
        with locks(["core-0", "core-1"]) as found:
            assert found == []
            assert Lock("core-0").free()  # nothing is held
    assert not (folder / "elsewhere").exists()
    assert len(caplog.records) == 1
    assert "daecore-core-1.lock cannot be opened" in caplog.text


def test_a_folder_that_is_not_there_stops_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DAE_LOCKS", str(folder / "gone"))
    with locks(["core-0"]) as found:
        assert found == []
    assert "DAE_LOCKS" in caplog.text


def test_by_default_they_lie_where_everybody_may_write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first such folder, the same for all users; one that is a user's own is none."""
    monkeypatch.delenv("DAE_LOCKS")
    mine, open_to_all = tmp_path / "mine", tmp_path / "all"
    mine.mkdir()
    open_to_all.mkdir()
    open_to_all.chmod(0o1777)
    monkeypatch.setattr(machine, "FOLDERS", (tmp_path / "none", mine, open_to_all))
    assert machine.folder() == open_to_all


def test_an_empty_name_of_their_folder_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As with the other variables; else they would lie in each one's working folder, and nobody would wait."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAE_LOCKS", "")
    assert machine.folder() in machine.FOLDERS
    monkeypatch.setenv("DAE_LOCKS", "mine")
    assert machine.folder() == tmp_path / "mine"
