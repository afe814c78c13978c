"""The journal of a run: what is in it is whole, whatever ended its process, and what was told is not told again."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from daecore_flows.store.journal import Journal, journal_path, journals

ENTRIES = [{"number": number, "text": "é\n" * number} for number in range(5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return journal_path(tmp_path, 32 * "a")


def filled(path: Path) -> Journal:
    journal = Journal(path)
    for entry in ENTRIES:
        journal.append(entry)
    return journal


def reopened(path: Path, journal: Journal) -> Journal:
    journal.close()
    return Journal(path)


def test_what_was_not_told_is_there_for_the_next_process(path: Path) -> None:
    """In its order."""
    journal = filled(path)
    journal.note_told()
    journal.note_told()
    assert reopened(path, journal).waiting == ENTRIES[2:]


def test_one_of_which_all_was_told_leaves_no_file(path: Path) -> None:
    journal = filled(path)
    assert journals(path.parents[1]) == [path]
    for _ in ENTRIES:
        journal.note_told()
    assert journals(path.parents[1]) == []
    journal.append({"one": "more"})
    assert journal.waiting == [{"one": "more"}]
    journal.note_told()
    journal.close()
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_line_is_let_go_and_what_follows_is_read(path: Path, cut: int) -> None:
    """A process that was killed while it wrote has lost what it had not finished to say, and no more."""
    filled(path).close()
    whole = path.read_bytes()
    os.truncate(path, len(whole) - cut)
    journal = Journal(path)
    left = journal.waiting
    assert left == ENTRIES[: len(left)]
    assert len(left) >= 3
    journal.append({"after": "it"})
    assert reopened(path, journal).waiting == [*left, {"after": "it"}]


def test_an_altered_line_ends_what_is_read(path: Path) -> None:
    """Nothing is made up from it."""
    filled(path).close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[2].replace(b"number", b"numbed"), *lines[3:]]))
    assert Journal(path).waiting == ENTRIES[:2]


@pytest.mark.parametrize("content", [b"", b"\n", b"00000000 \n", b"\xff" * 100, b"8c736521 null\n", b"not a journal"])
def test_what_is_no_journal_is_an_empty_one(path: Path, content: bytes) -> None:
    """And can be written."""
    path.parent.mkdir()
    path.write_bytes(content)
    journal = Journal(path)
    assert journal.waiting == []
    journal.append(ENTRIES[1])
    assert journal.waiting == ENTRIES[1:2]


def test_one_process_holds_it(path: Path) -> None:
    """Whoever comes second is told; he has it once the first has closed it."""
    journal = filled(path)
    with pytest.raises(BlockingIOError):
        Journal(path)
    assert reopened(path, journal).waiting == ENTRIES


@contextmanager
def file_size_of_at_most(size: int) -> Iterator[None]:
    """A disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)


def test_without_room_nothing_is_half_written(path: Path) -> None:
    """The error is the system's, and the journal is as it was."""
    journal = filled(path)
    with file_size_of_at_most(path.stat().st_size + 20), pytest.raises(OSError, match=r"File too large|No space left"):
        journal.append(ENTRIES[4])
    assert journal.waiting == ENTRIES
    journal.append(ENTRIES[1])
    assert reopened(path, journal).waiting == [*ENTRIES, ENTRIES[1]]
