"""The small installation: `pip install daecore` without the laboratory.

Here everything is installed. So that it is as there, no distribution can be imported that the small one does not bring.
"""

import re
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
MOST = 60  # distributions
NOTEBOOK = ROOT / "docs" / "tutorials" / "notebook.md"
LEFT_OUT = ("prefect", "mlflow", "typer", "rich", "uvicorn", "fastapi", "sqlalchemy", "optuna", "psutil")

WITHOUT = """
import sys
from importlib.metadata import packages_distributions

ALLOWED = set(sys.argv.pop(1).split(","))
BROUGHT = packages_distributions()


class Allowed:
    \"\"\"A finder that finds nothing of a distribution which is not allowed.\"\"\"

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        owners = {owner.lower().replace("_", "-").replace(".", "-") for owner in BROUGHT.get(name.split(".")[0], ())}
        return None if owners and not owners & ALLOWED else self.finder.find_spec(name, path, target)


sys.meta_path[:] = map(Allowed, sys.meta_path)
"""


@cache
def brought(extra: str = "", *, tests: bool = False) -> frozenset[str]:
    """The distributions that `pip install daecore` leaves on this machine, by their names; or with an extra of it."""
    found: set[str] = set()
    waiting = [Requirement(f"daecore[{extra}]"), *([Requirement("pytest")] if tests else [])]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        wanted = [each for extra in ("", *requirement.extras) for each in needed(name, extra)]
        waiting += [each for each in wanted if canonicalize_name(each.name) not in found or each.extras]
        found.add(name)
        assert len(waiting) < 1000
    return frozenset(found)


def needed(name: str, extra: str) -> list[Requirement]:
    try:
        stated = [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:
        return []
    return [each for each in stated if each.marker is None or each.marker.evaluate({"extra": extra})]


def small(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a program does in the small installation."""
    allowed = ",".join(brought(tests=True) | {"daecore"})
    command = [sys.executable, "-P", "-c", WITHOUT + program, allowed, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_brings_no_prefect_no_mlflow_and_no_web_server() -> None:
    assert brought() & set(LEFT_OUT) == set()


def test_the_laboratory_brings_nothing_for_several_machines() -> None:
    """Neither Ray nor what a shared store or object storage needs, but for what Prefect itself cannot do without."""
    several = {"ray", "grpcio", "psycopg2-binary", "boto3", "obstore", "zarr"}
    assert brought("lab") & several == set()
    assert brought("cluster") | brought("shared") | brought("chunks") >= several


def test_it_is_light() -> None:
    """Beside itself; those of CUDA are counted, which torch brings."""
    assert len(brought() - {"daecore"}) <= MOST, sorted(brought())


def test_what_is_not_brought_is_not_found() -> None:
    """The law of this file itself."""
    done = small("import prefect")
    assert done.returncode == 1
    assert "No module named 'prefect'" in done.stderr


def test_every_module_of_the_library_and_every_plugin_can_be_imported() -> None:
    program = """
from importlib import import_module
from daecore.plugin.source_digest import modules_of
from daecore.plugin.registry import registry

names = [*modules_of("daecore"), *modules_of("daecore_plugins")]
for name in names:
    import_module(name)
assert len(names) > 100, names
assert not registry().broken, registry().broken
"""
    done = small(program)
    assert done.returncode == 0, done.stderr


def test_the_command_says_what_to_install() -> None:
    """One paragraph, exit status 2: it needs nothing that is not there."""
    done = small("from daecore.command import main\nsys.exit(main())", "runs")
    assert done.returncode == 2
    assert re.fullmatch(r"dae: The laboratory of daecore .*prefect, mlflow, typer.*\n", done.stderr), done.stderr
    assert "pip install 'daecore[lab]'" in done.stderr


def test_importing_the_laboratory_says_what_to_install() -> None:
    done = small("import daecore_flows")
    assert done.returncode == 1
    assert done.stderr.count("ImportError: The laboratory of daecore") == 1
    assert "pip install 'daecore[lab]'" in done.stderr


def test_the_notebook_runs(tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", NOTEBOOK.read_text(encoding="utf-8"), re.DOTALL)
    done = small(block)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("test", ["tests/example_plugin/tests/test_dae_scan.py"])
def test_the_test_of_a_plugin_passes(test: str) -> None:
    """As its author runs it, whose plugin depends on the small installation."""
    folder = ROOT / "tests" / "example_plugin"
    program = """
import os
import pytest

folder, test = sys.argv.pop(1), sys.argv.pop(1)
os.environ["DAE_PLUGIN_PATH"] = folder
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-o", "addopts=", "--noconftest", "--rootdir", folder, test]))
"""
    done = small(program, str(folder), str(ROOT / test))
    assert done.returncode == 0, done.stdout + done.stderr
