"""A folder goes with the process that holds it, or with the next one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from daecore.held_folder import HeldFolder

KILLED = """
import os, pathlib, signal, sys
from daecore.held_folder import HeldFolder
(HeldFolder(pathlib.Path(sys.argv[1]), "it-").path / "more").mkdir()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_is_its_user_s_alone_and_gone_in_the_end(tmp_path: Path) -> None:
    folder = HeldFolder(tmp_path, "it-")
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "more").mkdir()
    folder.remove()
    folder.remove()
    assert os.listdir(tmp_path) == []


def test_the_next_holder_removes_those_of_the_dead_and_no_other(tmp_path: Path) -> None:
    living = HeldFolder(tmp_path, "it-")
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False).returncode < 0
    (tmp_path / "it-longer-than-that").mkdir()
    assert len(os.listdir(tmp_path)) == 3
    HeldFolder(tmp_path, "it-").remove()
    assert sorted(os.listdir(tmp_path)) == sorted([living.path.name, "it-longer-than-that"])
    living.remove()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to give a folder away")
def test_another_user_s_stays(tmp_path: Path) -> None:
    """In a folder of all users, a name and a lock prove nothing."""
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False).returncode < 0
    (theirs,) = tmp_path.iterdir()
    os.chown(theirs, 1234, 1234)
    HeldFolder(tmp_path, "it-").remove()
    assert os.listdir(tmp_path) == [theirs.name]
    os.chown(theirs, 0, 0)
    HeldFolder(tmp_path, "it-").remove()
    assert os.listdir(tmp_path) == []
