"""The journal of a run: what is in it is whole, whatever ended its process, and what was told is not told again."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from daecore_flows.store import journal as module
from daecore_flows.store.journal import Entry, Journal, journal_path, journals

from daecore.errors import StoreError

ENTRIES = [{"number": number, "text": "é\n" * number} for number in range(5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return journal_path(tmp_path, 32 * "a")


def filled(path: Path) -> Journal:
    journal = Journal(path)
    for entry in ENTRIES:
        journal.append(entry)
    return journal


def waiting(journal: Journal) -> list[Entry]:
    return list(journal.waiting.values())


def reopened(path: Path, journal: Journal) -> Journal:
    journal.close()
    return Journal(path)


def test_what_was_not_told_is_there_for_the_next_process(path: Path) -> None:
    """In its order."""
    journal = filled(path)
    first, second = list(journal.waiting)[:2]
    journal.note_told(second)
    journal.note_told(first)
    assert waiting(reopened(path, journal)) == ENTRIES[2:]


def test_one_of_which_all_was_told_leaves_no_file(path: Path) -> None:
    journal = filled(path)
    assert journals(path.parents[1]) == [path]
    for place in journal.waiting:
        journal.note_told(place)
    assert journals(path.parents[1]) == []
    place = journal.append({"one": "more"})
    assert journal.waiting == {place: {"one": "more"}}
    journal.note_told(place)
    journal.close()
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_line_is_let_go_and_what_follows_is_read(path: Path, cut: int) -> None:
    """A process that was killed while it wrote has lost what it had not finished to say, and no more."""
    filled(path).close()
    whole = path.read_bytes()
    os.truncate(path, len(whole) - cut)
    journal = Journal(path)
    left = waiting(journal)
    assert left == ENTRIES[: len(left)]
    assert len(left) >= 3
    assert journal.damaged == 0
    journal.append({"after": "it"})
    assert waiting(reopened(path, journal)) == [*left, {"after": "it"}]


def test_an_altered_line_is_left_out_and_those_around_it_are_kept(path: Path) -> None:
    """Nothing is made up from it, nothing else is lost, and it is told of."""
    filled(path).close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[2].replace(b"number", b"numbed"), *lines[3:]]))
    journal = Journal(path)
    assert waiting(journal) == [*ENTRIES[:2], *ENTRIES[3:]]
    assert journal.damaged == 1
    journal.append({"after": "it"})
    assert waiting(reopened(path, journal)) == [*ENTRIES[:2], *ENTRIES[3:], {"after": "it"}]


@pytest.mark.parametrize("line", range(5))
@pytest.mark.parametrize("change", [b"\n", b"\0", b" "])
def test_damage_hides_no_other_entry_that_was_not_told(path: Path, line: int, change: bytes) -> None:
    """Wherever a byte was hit, also the end of a line: what was told may be told again, what was not is not lost."""
    journal = filled(path)
    for place in list(journal.waiting)[:2]:
        journal.note_told(place)
    journal.close()
    whole = path.read_bytes()
    ends = [place for place, byte in enumerate(whole) if byte == 10]
    for hit in (ends[line], ends[line] - 5):
        path.write_bytes(whole[:hit] + change + whole[hit + 1 :])
        found = waiting(journal := Journal(path))
        journal.close()
        near = {line, line + 1} if hit == ends[line] else {line}
        assert all(entry in found for number, entry in enumerate(ENTRIES[2:], 2) if number not in near)


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
def test_nothing_is_written_through_what_is_in_its_place(path: Path, tmp_path: Path, kind: str) -> None:
    """A store may be a stranger's: what a link names stays as it was, and nobody waits for a pipe."""
    path.parent.mkdir()
    other = tmp_path / "other"
    if kind == "link":
        other.write_text("mine\n")
    if "link" in kind:
        path.symlink_to(other)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(StoreError, match="a link, or no file, is in its place"):
        Journal(path)
    assert journals(tmp_path) == []
    assert (other.read_text() if kind == "link" else other.exists()) == ("mine\n" if kind == "link" else False)


def test_a_run_that_is_called_otherwise_has_none(tmp_path: Path) -> None:
    """A database may be a stranger's, too."""
    for name in ("../../elsewhere", "a/b", "", 32 * "A"):
        with pytest.raises(StoreError, match="32 hexadecimal digits"):
            journal_path(tmp_path, name)


def test_one_that_goes_while_it_is_looked_for_is_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process has told the rest, and removes it."""
    filled(path).close()
    read = module._read
    monkeypatch.setattr(module, "_read", lambda it: (read(it), it.unlink())[0])
    assert journals(path.parents[1]) == []


def test_an_interrupt_while_it_is_written_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who hears it takes the entry for unwritten, and may write it again with another time."""

    def interrupt(file: int) -> None:
        raise KeyboardInterrupt

    journal = filled(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            journal.append({"after": "it"})
    assert waiting(reopened(path, journal)) == ENTRIES


@pytest.mark.parametrize("content", [b"", b"\n", b"00000000 \n", b"\xff" * 100, b"8c736521 null\n", b"not a journal"])
def test_what_is_no_journal_is_an_empty_one(path: Path, content: bytes) -> None:
    """And can be written."""
    path.parent.mkdir()
    path.write_bytes(content)
    journal = Journal(path)
    assert waiting(journal) == []
    journal.append(ENTRIES[1])
    assert waiting(journal) == ENTRIES[1:2]


def test_one_process_holds_it(path: Path) -> None:
    """Whoever comes second is told; he has it once the first has closed it."""
    journal = filled(path)
    with pytest.raises(BlockingIOError):
        Journal(path)
    assert waiting(reopened(path, journal)) == ENTRIES


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
    assert waiting(journal) == ENTRIES
    journal.append(ENTRIES[1])
    assert waiting(reopened(path, journal)) == [*ENTRIES, ENTRIES[1]]


def test_what_was_told_without_room_to_note_it_is_told_once_more(path: Path) -> None:
    """That is no reason to end: nobody waits for the note."""
    journal = filled(path)
    with file_size_of_at_most(path.stat().st_size):
        journal.note_told(next(iter(journal.waiting)))
    assert waiting(journal) == ENTRIES[1:]
    assert waiting(reopened(path, journal)) == ENTRIES
