"""What tests of the guard share: somebody who may come in."""

from pathlib import Path

import pytest
from daecore_flows.guard.people import People


@pytest.fixture
def people(tmp_path: Path) -> People:
    """Ada, by her password."""
    found = People(tmp_path / "people.json")
    found.put("ada", "correct horse battery")
    return found
