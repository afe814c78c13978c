"""A folder belongs to one shared store, or is a store of its own, and says so."""

from pathlib import Path

import pytest
from daecore_flows.store.shared.location import SharedLocation, parse_location
from daecore_flows.store.shared.remembered import FILE, find_location, refuse_another, remember

from daecore.errors import StoreError

URL = "postgresql://ada:s3cret@db/daecore"


@pytest.fixture(autouse=True)
def _unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAE_DATABASE", "DAE_ARTIFACTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def location() -> SharedLocation:
    return parse_location(URL, "s3://bucket")


def test_a_place_is_named_once(tmp_path: Path, location: SharedLocation) -> None:
    """From then on the folder knows it, and no password is written down."""
    assert find_location(tmp_path) is None
    remember(tmp_path, location)
    found = find_location(tmp_path)
    assert found is not None
    assert found.agrees_with(location)
    assert "s3cret" not in (tmp_path / FILE).read_text()


def test_what_the_environment_names_comes_first(
    tmp_path: Path, location: SharedLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may carry the password."""
    remember(tmp_path, location)
    monkeypatch.setenv("DAE_DATABASE", URL)
    monkeypatch.setenv("DAE_ARTIFACTS", "s3://bucket")
    assert find_location(tmp_path) == location


def test_a_folder_keeps_the_files_of_one(tmp_path: Path, location: SharedLocation) -> None:
    remember(tmp_path, location)
    with pytest.raises(StoreError, match=r"belongs to the shared store postgresql://ada@db/daecore .*another folder"):
        refuse_another(tmp_path, parse_location(URL, "s3://other"))


def test_a_store_of_its_own_does_not_become_shared(tmp_path: Path, location: SharedLocation) -> None:
    """Its runs would be gone from every list."""
    (tmp_path / "mlflow.db").touch()
    with pytest.raises(StoreError, match=r"has runs of its own.*new folder with --store"):
        refuse_another(tmp_path, location)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"database": 1', '{"database": "sqlite:///a", "artifacts": "s3://b"}']
)
def test_a_damaged_record_is_said(tmp_path: Path, text: str) -> None:
    """It never counts as none: the command would begin a store of its own."""
    (tmp_path / FILE).write_text(text)
    with pytest.raises(StoreError, match=r"shared\.json says to which shared store the folder belongs"):
        find_location(tmp_path)
