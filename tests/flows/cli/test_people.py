"""`dae people`: names go in and out, a password is read from standard input where nobody sits at a terminal."""

import io
from pathlib import Path

import pytest
from daecore_flows.cli import main
from daecore_flows.store.store import Store
from daecore_flows.studio.wish import people_of


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    found = Store(tmp_path / "store", tmp_path / "data")
    for name in found.environment():
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DAE_STORE", str(found.root))
    return found


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_people_come_and_go(store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("grace", "ada"):
        typed(monkeypatch, "correct horse battery\n")
        assert main(["people", "add", name]) == 0
    capsys.readouterr()
    assert main(["people", "list"]) == 0
    assert capsys.readouterr().out == "ada\ngrace\n"
    assert people_of(store).admits("ada", "correct horse battery")
    assert main(["people", "remove", "ada"]) == 0
    assert not people_of(store).admits("ada", "correct horse battery")


def test_what_cannot_be_is_said_in_a_paragraph(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "short\n")
    assert main(["people", "add", "ada"]) == 2
    assert "A password has 12 characters at least" in capsys.readouterr().err
    assert main(["people", "remove", "ada"]) == 2
    assert "Nobody is called 'ada'" in capsys.readouterr().err
