"""Migrations: an older store becomes one of this version, step by step, after a copy of its databases."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from daecore_flows.cli import main
from daecore_flows.store import layout, migrations, studio_record
from daecore_flows.store.layout import FILE, LAYOUT
from daecore_flows.store.migrations import Migration, migrate, pending
from daecore_flows.store.store import Store
from daecore_flows.store.studio_record import Studio
from daecore_flows.studio.store_version import older_layout

BEFORE = LAYOUT - 2


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One that is two layouts old."""
    found = Store(tmp_path / "store", tmp_path / "data")
    found.prefect.mkdir(parents=True)
    (found.root / FILE).write_text(f"{BEFORE}\n")
    for path in (found.database, found.prefect / "prefect.db"):
        with closing(sqlite3.connect(path)) as made, made:
            made.execute("create table what (name text)")
            made.execute("insert into what values (?)", (path.name,))
    return found


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The way there; what was done."""
    done: list[str] = []

    def step(before: int) -> Migration:
        return Migration(before, f"what {before} lacks", lambda store: done.append(f"{before} {store.root.name}"))

    monkeypatch.setattr(migrations, "MIGRATIONS", (step(BEFORE), step(BEFORE + 1)))
    return done


def test_each_step_is_taken_once_and_written_down(store: Store, steps: list[str]) -> None:
    migrate(store, pending(store))
    assert steps == [f"{BEFORE} store", f"{BEFORE + 1} store"]
    assert (store.root / FILE).read_text() == f"{LAYOUT}\n"
    assert pending(store) == []


def test_the_databases_are_copied_first(store: Store, steps: list[str]) -> None:
    """Whole, with the layout that they had."""
    folder = migrate(store, pending(store))
    assert folder.is_relative_to(store.root)
    assert (folder / FILE).read_text() == f"{BEFORE}\n"
    for name in ("mlflow.db", "prefect.db"):
        with closing(sqlite3.connect(folder / name)) as copy:
            assert copy.execute("select name from what").fetchall() == [(name,)]


def test_a_step_that_fails_is_taken_again_and_those_before_it_are_not(
    store: Store, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = migrations.MIGRATIONS

    def fail(_: Store) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(migrations, "MIGRATIONS", (whole[0], Migration(BEFORE + 1, "fails", fail)))
    with pytest.raises(OSError, match="No space left"):
        migrate(store, pending(store))
    monkeypatch.setattr(migrations, "MIGRATIONS", whole)
    migrate(store, pending(store))
    assert steps == [f"{BEFORE} store", f"{BEFORE + 1} store"]


@pytest.mark.parametrize("text", [f"{LAYOUT}\n", f"{LAYOUT + 1}\n", "0\n", "what\n", f"{BEFORE - 1}\n"])
def test_there_is_no_way_from_anything_else(store: Store, steps: list[str], text: str) -> None:
    """A newer layout, none, and one that is too old."""
    (store.root / FILE).write_text(text)
    assert pending(store) == []


def test_there_is_none_over_a_gap(store: Store, steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
    assert pending(store) == []


def test_the_doctor_says_so_and_mends_it_when_it_is_told(
    store: Store, steps: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until then every other command refuses the store, and nothing in it is changed."""
    for name in store.environment():
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DAE_STORE", str(store.root))
    assert main(["runs"]) == 2
    assert main(["doctor"]) == 1
    said = capsys.readouterr()
    assert f"✗ version: its layout is {BEFORE}, and this version's {LAYOUT}: what {BEFORE} lacks; what" in said.out
    assert "✓" not in said.out
    assert steps == []
    assert layout.found_layout(store.root, store.database) == BEFORE
    assert main(["doctor", "--fix"]) in (0, 1)  # whether all else is in order is another matter
    out = capsys.readouterr().out
    assert "✓ version: its layout is" in out
    assert "Mended: copied to" in out
    assert f"✓ version: layout {LAYOUT}" in out
    assert steps == [f"{BEFORE} store", f"{BEFORE + 1} store"]


def test_a_studio_that_is_up_is_ended_first(store: Store, steps: list[str]) -> None:
    process = psutil.Process()
    studio_record.write(
        store.root,
        Studio(process.pid, process.create_time(), "0" * 32, "http://127.0.0.1:1", "http://127.0.0.1:2"),
    )
    finding = older_layout(store, pending(store))
    assert "End `dae up`, then run this again" in finding.said
    assert finding.mend is None
