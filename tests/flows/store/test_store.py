"""The store: where things lie, what other programs are told, and who waits for whom."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from daecore_flows.store.files import file_digest, write_atomically
from daecore_flows.store.layout import FILE, LAYOUT
from daecore_flows.store.rights import open_to_others
from daecore_flows.store.store import Store, current_store

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
    made = {"artifacts", "results", "prefect", "checkpoints", "locks", "reserve", "layout"}
    assert made == {path.name for path in store.root.iterdir()}
    assert os.environ["PREFECT_HOME"] == str(store.prefect)
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{store.database}"
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert current_store() == store


NOBODY = 65_534


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that everybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for name in Store(Path(folder), Path(folder)).environment():  # what `enter` sets is taken back
            monkeypatch.setenv(name, "")
        monkeypatch.delenv("DAE_MLFLOW_URI", raising=False)
        yield Path(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
@pytest.mark.parametrize("there", [False, True], ids=["new", "there before, open to all"])
def test_nobody_else_reads_a_store(reachable: Path, there: bool) -> None:
    """A process of another user finds nothing in it: not its database, not a log, not a result, not a name."""
    store = Store(reachable / "store", reachable / "data")
    files = [
        store.database,
        store.prefect / "prefect.db",
        store.root / "logs" / "a.log",
        store.results / "k" / "r.json",
    ]
    if there:
        for path in files:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            path.write_text("secret")
            path.chmod(0o644)
        (store.root / FILE).write_text(str(LAYOUT))
        store.root.chmod(0o755)
    store.enter()
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    become = "import os, sys; os.setgroups([]); os.setgid(NOBODY); os.setuid(NOBODY); ".replace("NOBODY", str(NOBODY))
    script = f"{become}print(*(os.access(path, os.R_OK) for path in sys.argv[1:]))"
    asked = [sys.executable, "-P", "-c", script, str(store.root.parent), str(store.root), *map(str, files)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", *["False"] * 5]
    assert not open_to_others(store)
    assert not any(path.stat().st_mode & 0o077 for path in files[:2] if there)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_another_user_s_store_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns it could write into it what the command believes; root may go anywhere."""
    os.chown(store.root, NOBODY, NOBODY)
    store.enter()
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    with pytest.raises(StoreError, match=r"belongs to another user \(65534; you are 4321\)"):
        store.enter()


def test_a_folder_that_is_no_store_is_not_closed(store: Store) -> None:
    """`--store .` by mistake: what lies there stays as open as it was; what the store makes is its user's alone."""
    store.root.chmod(0o755)
    (store.root / "notes.txt").touch(0o644)
    store.enter()
    assert store.root.stat().st_mode & 0o777 == 0o755
    assert (store.root / "notes.txt").stat().st_mode & 0o777 == 0o644
    assert store.prefect.stat().st_mode & 0o777 == 0o700
    assert open_to_others(store) == []


def test_what_a_private_folder_gets_is_private(tmp_path: Path) -> None:
    """A file is as open to others as its folder, and never for others to write."""
    for mode, wanted in ((0o700, 0o600), (0o755, 0o644), (0o777, 0o644)):
        tmp_path.chmod(mode)
        write_atomically(tmp_path / "report.json", "{}")
        assert (tmp_path / "report.json").stat().st_mode & 0o777 == wanted


def test_a_store_that_cannot_be_written_is_refused_with_what_to_do(store: Store) -> None:
    """A file where the folder should be: one paragraph, nothing made."""
    store.data.write_text("a file")
    with pytest.raises(StoreError, match=r"cannot be written .* --store DIR or DAE_STORE"):
        Store(store.data / "store", store.data).enter()


@pytest.mark.parametrize("name", ["a?b", "a\nb"])
def test_a_store_whose_path_no_address_can_carry_is_refused_before_anything_is_made(name: str, tmp_path: Path) -> None:
    """MLflow's database would lie in another folder, Prefect's nowhere."""
    with pytest.raises(StoreError, match="question mark or a control character"):
        Store(tmp_path / name, tmp_path / "data").enter()
    assert list(tmp_path.iterdir()) == []


STRANGE = "a#b%20c 'd\"é:;&=+%e$HOME{x}"


@pytest.mark.long
def test_any_other_name_holds_mlflow_s_database_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are said to lie."""
    from daecore_flows.store import tracking
    from daecore_flows.store.relocation import moved_from

    named = Store(tmp_path / STRANGE, tmp_path / "data")
    for key, value in {**os.environ, **named.environment()}.items():
        monkeypatch.setenv(key, value)  # so that what `enter` sets is put back
    named.enter()
    tracking.prepare(named)
    run = tracking.start(tracking.experiment_id("digits", named), "first", {}, {})
    tracking.log_json(run, {"a": 1}, "a.json")
    assert (tracking.artifact_folder(run) / "a.json").is_relative_to(named.artifacts)
    assert tracking.artifact(run, "a.json").read_text()
    assert moved_from(named) == ""
    assert [path.name for path in tmp_path.iterdir()] == [STRANGE]


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


def test_a_working_folder_that_was_deleted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default store would lie in it."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.delenv("DAE_STORE", raising=False)
    gone.rmdir()
    with pytest.raises(StoreError, match=r"working folder is gone.*--store DIR"):
        current_store()
