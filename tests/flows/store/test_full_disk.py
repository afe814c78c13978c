"""A full disk: known whatever a library made of it, and room kept back to write down how things ended."""

import errno
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest
from daecore_flows.cli import watching
from daecore_flows.cli.readiness import writable
from daecore_flows.store import full_disk
from daecore_flows.store.files import write_atomically

from daecore.data.arrays import save_arrays
from daecore.errors import InputError

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes are free."""
    free = [10**9]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, free[0]))
    return free


def caused(error: Exception) -> Exception:
    """As a library hands it on."""
    try:
        try:
            raise error
        except Exception as first:
            raise RuntimeError("500 Internal Server Error") from first
    except RuntimeError as second:
        return second


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (sqlite3.OperationalError("database or disk is full"), True),
        (ValueError("I/O error: No space left on device (os error 28)"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (sqlite3.OperationalError("database is locked"), False),
    ],
)
def test_an_error_that_comes_of_a_full_disk_is_known(
    error: Exception, full: bool, disk: list[int], tmp_path: Path
) -> None:
    """Also as the cause of another one."""
    assert full_disk.is_full(tmp_path, error) is full
    assert full_disk.is_full(tmp_path, caused(error)) is full


def test_where_no_room_is_left_that_is_the_reason(disk: list[int], tmp_path: Path) -> None:
    """A server says 500 and nothing else."""
    disk[0] = 100_000
    assert full_disk.is_full(tmp_path, RuntimeError("500 Internal Server Error"))
    assert f"The disk of {tmp_path} is full (0 MB are free)" in full_disk.sentence(tmp_path)


def test_what_was_given_up_does_not_hide_that_the_disk_is_full(
    disk: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run's end is written first, and the user is told afterwards; the error says nothing of a disk."""
    monkeypatch.setenv("DAE_STORE", str(tmp_path))
    (tmp_path / "layout").write_text("3")
    error = RuntimeError("PrefectHTTPStatusError: Server error '500 Internal Server Error'")
    full_disk.keep_reserve(tmp_path)
    disk[0] = full_disk.RESERVE_BYTES // 2
    assert not full_disk.is_full(tmp_path, error)
    disk[0] = full_disk.LOW_BYTES - 1
    full_disk.give_up_reserve(tmp_path, error)
    assert not (tmp_path / "reserve").exists()
    disk[0] += full_disk.RESERVE_BYTES
    assert watching._paragraph(error).startswith(f"The disk of {tmp_path} is full")


def test_the_reserve_is_kept_until_the_disk_is_full(disk: list[int], tmp_path: Path) -> None:
    full_disk.keep_reserve(tmp_path)
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= full_disk.RESERVE_BYTES
    full_disk.give_up_reserve(tmp_path, ValueError("the loss became nan"))
    assert (tmp_path / "reserve").exists()
    full_disk.give_up_reserve(tmp_path, OSError(errno.ENOSPC, "No space left on device"))
    assert not (tmp_path / "reserve").exists()


def test_on_a_disk_that_is_nearly_full_nothing_is_kept_back(disk: list[int], tmp_path: Path) -> None:
    disk[0] = full_disk.RESERVE_BYTES
    full_disk.keep_reserve(tmp_path)
    assert list(tmp_path.iterdir()) == []


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_a_file_that_does_not_fit_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was there before stays."""
    path = tmp_path / "report.json"
    path.write_text("before")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(FULL))
    for write in (lambda: write_atomically(path, "after"), lambda: save_arrays(path, {})):
        with pytest.raises(OSError, match="No space"):
            write()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_whether_a_report_can_be_written_is_found_out_without_writing_it(tmp_path: Path) -> None:
    """A run that fails leaves no empty file, and one from before as it was."""
    writable(tmp_path / "report.json", "--report")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "report.json").write_text("before")
    writable(tmp_path / "report.json", "--report")
    assert (tmp_path / "report.json").read_text() == "before"


@pytest.mark.parametrize("name", ["no/such/folder/report.json", "."])
def test_a_report_that_cannot_be_written_is_refused_at_the_door(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--report .* cannot be written: .*Choose another file"):
        writable(tmp_path / name, "--report")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_is_written_into_and_stays_what_it_is() -> None:
    """Whoever runs this as root would have no null device else."""
    null = Path("/dev/null")
    writable(null, "--report")
    write_atomically(null, "{}")
    assert null.is_char_device()
