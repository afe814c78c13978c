"""The store: where things lie, what other programs are told, and who waits for whom."""

import os
import threading
from pathlib import Path

import pytest
from daecore_flows.store import Store, current_store, file_digest, write_atomically

from daecore.errors import StoreError


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name in Store(tmp_path, tmp_path).environment():  # what `enter` sets is taken back after the test
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("DAE_MLFLOW_URI", raising=False)
    made = Store(tmp_path / "store", tmp_path / "data")
    (made.root / "locks").mkdir(parents=True)
    return made


def test_entering_makes_the_folders_and_points_prefect_and_mlflow_into_the_store(store: Store) -> None:
    """Whatever a process does after `enter` lands in the store, and calls nobody."""
    store.enter()
    assert {"artifacts", "results", "prefect", "checkpoints", "locks"} == {path.name for path in store.root.iterdir()}
    assert os.environ["PREFECT_HOME"] == str(store.prefect)
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{store.database}"
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert current_store() == store


def test_a_store_that_cannot_be_written_is_refused_with_what_to_do(store: Store) -> None:
    """A file where the folder should be: one paragraph, nothing made."""
    store.data.write_text("a file")
    with pytest.raises(StoreError, match=r"cannot be written .* --store DIR or DAE_STORE"):
        Store(store.data / "store", store.data).enter()


def test_without_variables_the_store_is_mlruns_in_the_working_folder(store: Store) -> None:
    """The default of the command line and of Prefect's workers is the same."""
    assert current_store().root == Path("mlruns").resolve()


def test_a_second_holder_of_a_lock_waits_and_is_told_so(store: Store) -> None:
    """The first does not wait; the second gets the lock when the first lets go, and knows it waited."""
    waited: list[bool] = []

    def second() -> None:
        with store.lock("training") as had_to_wait:
            waited.append(had_to_wait)

    other = threading.Thread(target=second)
    with store.lock("training") as had_to_wait:
        assert not had_to_wait
        other.start()
        other.join(0.3)
        assert other.is_alive()
    other.join(10)
    assert waited == [True]


def test_the_digest_of_a_missing_file_is_empty(tmp_path: Path) -> None:
    """So a reference to it is not intact, whatever it says."""
    assert file_digest(tmp_path / "nothing") == ""
    (tmp_path / "some").write_bytes(b"")
    assert file_digest(tmp_path / "some").startswith("e3b0c44298fc1c14")


def test_writing_atomically_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    """The reader sees the old text or the new one."""
    path = tmp_path / "report.json"
    for text in ("old", "new"):
        write_atomically(path, text)
    assert path.read_text() == "new"
    assert [found.name for found in tmp_path.iterdir()] == ["report.json"]
