"""A file is there whole or not at all, and a killed writer's beginning is removed by the next one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from daecore.whole_file import whole_file

KILLED = """
import os, pathlib, signal, sys
from daecore.whole_file import whole_file
with whole_file(pathlib.Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def _be_interrupted(path: Path) -> None:
    with whole_file(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_what_was_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        _be_interrupted(path)
    assert (names(tmp_path), path.read_text()) == (["it"], "old")
    with whole_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert (names(tmp_path), path.read_text()) == (["it"], "new")


def test_where_nothing_is_written_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "it").write_text("old")
    with whole_file(tmp_path / "it"):
        pass
    assert (names(tmp_path), (tmp_path / "it").read_text()) == (["it"], "old")


def test_what_a_killed_writer_left_goes_with_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "it.npz"
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode < 0
    assert len(names(tmp_path)) == 1
    with whole_file(path) as temporary:
        temporary.write_text("whole")
    assert names(tmp_path) == ["it.npz"]


def test_what_somebody_writes_just_now_stays(tmp_path: Path) -> None:
    """As does what only looks alike."""
    path = tmp_path / "it"
    (tmp_path / ".it.lock").touch()
    theirs = tmp_path / ".it.abcdefgh"
    theirs.mkdir()
    with FileLock(theirs / "lock"), whole_file(path) as temporary:
        temporary.write_text("ours")
    assert names(tmp_path) == [".it.abcdefgh", ".it.lock", "it"]
    with whole_file(path) as temporary:
        temporary.write_text("ours")
    assert names(tmp_path) == [".it.lock", "it"]


def test_a_library_may_write_beside_what_it_is_given(tmp_path: Path) -> None:
    with whole_file(tmp_path / "it") as temporary:
        temporary.with_name(".tmpabc").write_text("half")
        temporary.write_text("whole")
    assert names(tmp_path) == ["it"]


def test_what_only_has_such_a_name_stays(tmp_path: Path) -> None:
    """A folder of somebody's, and what a link names: only a folder that a writer has begun is one that was left."""
    mine, elsewhere = tmp_path / ".it.original", tmp_path / "elsewhere"
    mine.mkdir()
    (mine / "notes").write_text("mine")
    elsewhere.mkdir()
    (tmp_path / ".it.elsewher").symlink_to(elsewhere)
    (trap := tmp_path / ".it.aaaaaaaa").mkdir()
    (trap / "lock").symlink_to(mine / "notes")
    with whole_file(tmp_path / "it") as temporary:
        temporary.write_text("whole")
    assert (mine / "notes").read_text() == "mine"
    assert names(mine) == ["notes"]
    assert names(elsewhere) == []


def test_a_writer_that_was_killed_before_its_lock_leaves_nothing_for_good(tmp_path: Path) -> None:
    (tmp_path / ".it.abcdefgh").mkdir()
    with whole_file(tmp_path / "it") as temporary:
        temporary.write_text("whole")
    assert names(tmp_path) == ["it"]


@pytest.mark.parametrize("name", ["\u5b57" * 85, "a." + "\u5b57" * 84, "a" * 255])
def test_every_name_that_a_file_can_have_is_written(tmp_path: Path, name: str) -> None:
    """The folder's is longer, and file systems count bytes."""
    with whole_file(tmp_path / name) as temporary:
        temporary.write_text("whole")
    assert names(tmp_path) == [name]
