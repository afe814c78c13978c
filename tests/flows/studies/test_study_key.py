"""What a study's section depends on in code: its own modules, and no neighbour's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from daecore_flows.studies.conduct import own_digest, request

from daecore import Series
from daecore.plugin.registry import find_series

PACKAGE = "keyed_series"
DECLARES = '"""Dusk."""\nfrom daecore import Series, hookimpl\n\nSERIES = Series(name="dusk")\n'
FILES = {
    "__init__.py": DECLARES,
    "one.py": "from . import shared\nX = 1\n",
    "shared.py": "Y = 1\n",
    "two.py": "Z = 1\n",
}
SERIES = Series(name="dusk", title="Dusk", ids=("one", "two"), package=PACKAGE)
Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file of a stranger's series; the digest of its study `one` then."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / PACKAGE).mkdir()
    for name, text in FILES.items():
        (tmp_path / PACKAGE / name).write_text(text)

    def written(name: str, text: str) -> str:
        (tmp_path / PACKAGE / name).write_text(text)
        return own_digest(SERIES, "one")

    return written


def test_a_study_depends_on_its_module_and_on_what_that_imports(write: Write) -> None:
    before = write("two.py", FILES["two.py"])
    assert write("one.py", "from . import shared\nX = 22\n") != before
    assert write("one.py", FILES["one.py"]) == before
    assert write("shared.py", "Y = 333\n") != before


def test_neither_a_neighbour_nor_a_sentence_nor_the_list_of_all_makes_it_anew(write: Write) -> None:
    before = write("two.py", FILES["two.py"])
    assert write("two.py", "Z = 4444\n") == before
    assert write("one.py", '"""One."""\n' + FILES["one.py"]) == before
    assert write("__init__.py", DECLARES + "SERIES = Series(name='dusk', ids=('one', 'two', 'three'))\n") == before


def test_what_a_study_takes_from_the_package_itself_counts(write: Write) -> None:
    """Its list of studies then counts with it; none of ours does that."""
    write("one.py", "from . import SEEDS\n")
    before = write("__init__.py", DECLARES + "SEEDS = 5\n")
    assert write("__init__.py", DECLARES + "SEEDS = 66\n") != before


def test_the_key_of_a_quick_study_is_another() -> None:
    """And each study has its own."""
    series = find_series("lecture")
    keys = [request(series, name, quick=quick).key for name in ("arc", "filters") for quick in (False, True)]
    assert len({key.model_dump_json() for key in keys}) == 4
