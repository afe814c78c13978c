"""Files that two machines share: what one gives the other brings, what lies here is a copy and is not believed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from daecore_flows.store.file_ref import FileRef, file_ref
from daecore_flows.store.own_files import Size
from daecore_flows.store.shared.files import SharedFiles
from daecore_flows.store.shared.location import parse_location
from daecore_flows.store.store import Store

from daecore.errors import DataError, StoreError
from daecore.object_storage import ObjectStorage

URL = "postgresql://ada@db/daecore"


@pytest.fixture
def one(tmp_path: Path) -> Store:
    (tmp_path / "common").mkdir()
    location = parse_location(URL, str(tmp_path / "common"))
    store = Store(tmp_path / "one", tmp_path, location)
    store.results.mkdir(parents=True)
    return store


@pytest.fixture
def other(one: Store, tmp_path: Path) -> Store:
    (tmp_path / "other").mkdir()
    return replace(one, root=tmp_path / "other")


def written(store: Store, name: str, text: str) -> Path:
    path = store.results / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_reference_means_the_same_file_on_both(one: Store, other: Store) -> None:
    """It is brought when it is looked for, and again when the copy was altered."""
    ref = file_ref(one, written(one, "key/scores.npz", "scores"))
    assert ref.intact(other)
    copy = ref.absolute(other)
    assert copy == other.results / "key" / "scores.npz"
    copy.write_text("altered")
    assert ref.intact(other)
    assert copy.read_text() == "scores"


def test_what_was_made_anew_is_not_what_an_older_reference_means(one: Store, other: Store) -> None:
    older = file_ref(one, written(one, "key/a", "first"))
    newer = file_ref(other, written(other, "key/a", "second"))
    assert newer.intact(one)
    assert not older.intact(one)


def test_no_more_is_brought_than_a_list_says(one: Store, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's storage may send for ever; what came is not kept, and what was here stays."""
    files = other.files
    assert isinstance(files, SharedFiles)
    one.files.give(written(one, "key/a", "grown" * 1_000_000))
    here = written(other, "key/a", "old")
    for size in (3, 9_000_000):
        found = replace(files.objects.find("results/key/a"), bytes=size, written=datetime.now(UTC) + timedelta(days=1))
        monkeypatch.setattr(ObjectStorage, "find", lambda storage, name, found=found: found)
        with pytest.raises(DataError, match=rf"should have {size:,} bytes, but [0-9,]+ (or more )?came"):
            files.bring_newer(here)
        assert here.read_text() == "old"
        assert [path.name for path in here.parent.iterdir()] == ["a"]
        monkeypatch.undo()


def test_a_download_that_is_too_large_leaves_nothing(one: Store, tmp_path: Path) -> None:
    """Nor one that is too small; the right one is there."""
    one.files.give(written(one, "key/a", "12345"))
    storage, file = ObjectStorage(str(tmp_path / "common")), tmp_path / "file"
    for size in (0, 4, 6):
        with pytest.raises(DataError, match="came"):
            storage.download("results/key/a", file, size)
        assert not file.exists()
    assert storage.download("results/key/a", file, 5)
    assert file.read_text() == "12345"


def test_what_nobody_has_given_is_not_there(one: Store, other: Store) -> None:
    """A copy of it neither."""
    path = written(other, "key/a", "left from before")
    assert not other.files.holds(path)
    assert not other.files.bring(path).exists()
    assert one.files.within(one.results) == []
    assert one.files.size(one.results / "key") == Size()


def test_what_is_dropped_is_gone_for_both(one: Store, other: Store) -> None:
    """A folder with all in it, and nothing whose name begins alike."""
    for name in ("key/a", "key/b/c", "keys/a"):
        one.files.give(written(one, name, name))
    names = {path.name for path in other.files.within(other.results)}
    assert names == {"key", "keys"}
    size = other.files.size(other.results / "key")
    assert size.bytes == len("key/a" + "key/b/c")
    assert datetime.now(UTC) - size.written < timedelta(minutes=1)
    other.files.drop(other.results / "key")
    assert not one.files.bring(one.results / "key" / "a").exists()
    assert [path.name for path in one.files.within(one.results)] == ["keys"]
    other.files.drop(other.results / "keys" / "a")
    other.files.drop(other.results / "keys" / "a")
    assert one.files.within(one.results / "keys") == []


def test_a_storage_that_cannot_be_reached_is_said(one: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is here stays."""
    path = written(one, "key/a", "text")
    (one.root.parent / "common").rmdir()
    for act in (one.files.give, one.files.bring, one.files.drop, one.files.holds):
        with pytest.raises(DataError, match=r"should lie in the folder .*common, which is not there. Is it mounted\?"):
            act(path)
    assert path.read_text() == "text"


@pytest.mark.parametrize("name", ["../outside", "results/../../outside", "/etc/hostname", "results/a\0b"])
def test_a_record_never_leads_out_of_the_store(one: Store, name: str) -> None:
    """It may be somebody else's: nothing there is read, written or removed."""
    outside = one.root.parent / "outside"
    outside.write_text("mine")
    for act in (FileRef(path=name, sha256="0").intact, FileRef(path=name, sha256="0").absolute):
        with pytest.raises(StoreError, match="which is not in the store"):
            act(one)
    with pytest.raises(StoreError, match="which is not in the store"):
        one.files.drop(one.root / name)
    assert outside.read_text() == "mine"
