"""What a module's code digest covers: its own file and its package's modules that it imports, and nothing else."""

import sys
from pathlib import Path

import pytest

from daecore.errors import InputError
from daecore.plugin.source_digest import modules_of, source_digest

FILES = {
    "__init__.py": "",
    "plugin.py": "import os\nfrom .helper import thing\nfrom . import other\n",
    "helper.py": "from sources_example.deep import depth\nthing = 1\n",
    "other.py": "import sources_example.plugin\nraise RuntimeError('read, but never run')\n",
    "deep.py": "depth = 1\n",
    "stranger.py": "x = 1\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sources_example"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    monkeypatch.delitem(sys.modules, "sources_example", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


@pytest.mark.parametrize(
    ("changed", "matters"),
    [("plugin.py", True), ("helper.py", True), ("other.py", True), ("deep.py", True), ("stranger.py", False)],
)
def test_a_digest_follows_imports_within_the_package(package: Path, changed: str, matters: bool) -> None:
    """Directly, relatively, in a circle; a module that nobody imports does not matter."""
    before = source_digest("sources_example.plugin")
    (package / changed).write_text(FILES[changed] + "another = 1\n")
    assert (source_digest("sources_example.plugin") != before) == matters


def test_what_is_left_out_is_not_followed(package: Path) -> None:
    before = source_digest("sources_example.plugin", leave_out={"sources_example.helper"})
    for name in ("helper.py", "deep.py"):
        (package / name).write_text("changed = 1\n")
    assert source_digest("sources_example.plugin", leave_out={"sources_example.helper"}) == before


SAID = {
    "a comment": "x = 1  # why\n",
    "a docstring": '"""What it is."""\nx = 1\n',
    "another layout": "\n\nx = (\n    1\n)\n",
}


@pytest.mark.parametrize("text", SAID.values(), ids=SAID)
def test_what_is_said_to_people_alone_changes_no_digest(package: Path, text: str) -> None:
    """Comments, docstrings, blank lines: a sentence that is mended trains nothing anew."""
    before = source_digest("sources_example.stranger")
    (package / "stranger.py").write_text(text)
    assert source_digest("sources_example.stranger") == before


@pytest.mark.parametrize("text", ["x = 2\n", "x = 1.0\n", "y = 1\n", "x = 1\nx\n", "x = '1'\n", "x = True\n"])
def test_what_is_said_to_the_machine_changes_it(package: Path, text: str) -> None:
    before = source_digest("sources_example.stranger")
    (package / "stranger.py").write_text(text)
    assert source_digest("sources_example.stranger") != before


def test_docstrings_of_functions_are_said_to_people_and_strings_that_are_values_are_not(package: Path) -> None:
    texts = (
        "def f():\n    return 'a'\n",
        "def f():\n    'What it does.'\n    return 'a'\n",
        "def f():\n    return 'b'\n",
    )
    found = []
    for text in texts:
        (package / "stranger.py").write_text(text)
        found.append(source_digest("sources_example.stranger"))
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("names", [("daecore.no_such_module",), ("daecore.rng", "daecore.rgn"), ("no_such_package.a",)])
def test_a_module_that_is_not_there_is_an_error(names: tuple[str, ...]) -> None:
    """The digest of nothing never changes, and a stage would be taken from the cache for ever."""
    with pytest.raises(InputError, match="There is no module"):
        source_digest(*names)
    with pytest.raises(InputError, match="There is no module"):
        source_digest("daecore.rng", leave_out=names)


def test_the_modules_of_a_package_are_those_of_its_folders_too(package: Path) -> None:
    (package / "deeper").mkdir()
    for name in ("__init__.py", "bottom.py"):
        (package / "deeper" / name).write_text("")
    names = {f"sources_example.{name}" for name in ("plugin", "helper", "other", "deep", "stranger", "deeper.bottom")}
    assert set(modules_of("sources_example")) == names
