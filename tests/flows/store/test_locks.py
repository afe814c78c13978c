"""Locks of a store of its own: one process at a time, or many of one kind; freed by the kernel."""

import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from daecore_flows.store.locks import FolderLock, hold

HOLD = (
    "import sys, time; from pathlib import Path; from daecore_flows.store.locks import FolderLock; "
    "print(FolderLock(Path(sys.argv[1])).take(), flush=True); time.sleep(60)"
)


def test_one_holds_it_alone_or_several_together(tmp_path: Path) -> None:
    """As readers and writers do."""
    path = tmp_path / "a.lock"
    with closing(FolderLock(path)) as writer, closing(FolderLock(path, shared=True)) as one:
        assert one.take()
        with closing(FolderLock(path, shared=True)) as other:
            assert other.take()
            assert not writer.take()
        assert not writer.take()
        one.close()
        assert writer.take()
        with closing(FolderLock(path, shared=True)) as late:
            assert not late.take()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        with closing(FolderLock(path)) as lock:
            assert not lock.take()
            process.kill()
            process.wait()
            assert lock.take()


def test_who_waits_says_so_and_has_waited(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, waits = tmp_path / "a.lock", []

    def wait() -> None:
        with hold(FolderLock(path), "the registry") as waited:
            waits.append(waited)

    with hold(FolderLock(path), "the registry") as waited:
        assert not waited
        other = threading.Thread(target=wait)
        other.start()
        other.join(0.2)
        assert waits == []
    other.join(10)
    assert waits == [True]
    assert "another process holds the registry; waiting for it" in caplog.text
