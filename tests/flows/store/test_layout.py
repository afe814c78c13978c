"""What another version has made: a store, a report. It is refused whole, in one paragraph, and stays as it is."""

import json
from pathlib import Path

import pytest
from daecore_flows.cli import main
from daecore_flows.store.layout import FILE, LAYOUT
from daecore_flows.store.store import Store

from daecore.errors import StoreError


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Store(tmp_path, tmp_path).environment():
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DAE_STORE", str(tmp_path / "store"))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_new_store_says_its_layout_and_is_entered_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", tmp_path / "data")
    for _ in range(2):
        store.enter()
        assert (store.root / FILE).read_text() == f"{LAYOUT}\n"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (None, "an older version"),
        ("1\n", "an older"),
        (f"{LAYOUT + 1}\n", "another version"),
        ("9" * 6000, "another version"),
    ],
)
def test_a_store_of_another_layout_is_refused_and_stays_as_it_is(tmp_path: Path, said: str | None, words: str) -> None:
    """One that was used before layouts were counted has a database and says nothing."""
    root = tmp_path / "store"
    root.mkdir()
    (root / "mlflow.db").write_bytes(b"whatever it holds")
    if said is not None:
        (root / FILE).write_text(said)
    before = content(root)
    with pytest.raises(StoreError, match=rf"made by {words}.*this version reads {LAYOUT}.*Nothing.*--store DIR"):
        Store(root, tmp_path / "data").enter()
    assert content(root) == before
    assert [path.name for path in root.iterdir()] == list(before)


@pytest.mark.parametrize(
    "command", [["runs"], ["run", "digits-erasure"], ["status"], ["gc", "--keep", "1"], ["compare", "a", "b"]]
)
def test_every_command_says_so(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "mlflow.db").touch()
    assert main(command) == 2
    assert "was made by an older version of daecore" in capsys.readouterr().err


def test_a_layout_of_no_text_is_told_as_well_as_it_can_be(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.mkdir()
    (root / FILE).write_bytes(b"\xff\x00\x1b")
    with pytest.raises(StoreError, match=r"its layout is \\xff\\x00\\x1b, and this"):
        Store(root, tmp_path / "data").enter()


def test_a_report_of_another_layout_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One written before layouts were counted, too."""
    path = tmp_path / "report.json"
    for more in ({}, {"layout": LAYOUT + 1}):
        path.write_text(json.dumps({"experiment": {"seed": 1}, "plugins": {}, **more}))
        assert main(["run", str(path)]) == 2
        assert (
            f"written by another version of daecore: its layout is {more.get('layout', 1)}" in capsys.readouterr().err
        )
