"""What a module's code digest covers: its own file and its package's modules that it imports, and nothing else."""

import sys
from pathlib import Path

import pytest

from daecore.plugin.source_digest import source_digest

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
    (package / changed).write_text(FILES[changed] + "# another line\n")
    assert (source_digest("sources_example.plugin") != before) == matters


def test_what_is_left_out_is_not_followed(package: Path) -> None:
    before = source_digest("sources_example.plugin", leave_out={"sources_example.helper"})
    for name in ("helper.py", "deep.py"):
        (package / name).write_text("# changed\n")
    assert source_digest("sources_example.plugin", leave_out={"sources_example.helper"}) == before
