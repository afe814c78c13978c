"""The wheel that is built of this tree: every module, recipe and template is in it, under the names it installs."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"daecore": "daecore", "plugins": "daecore_plugins", "flows": "daecore_flows"}
PIP = (sys.executable, "-m", "pip")
LEFT = ("mlruns", "build", "tests", "__pycache__", "daecore.egg-info")
KINDS = (".py", ".yaml", ".txt", ".bib", ".typed")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy, so that nothing which lies about in this tree gets in."""
    copy, out = tmp_path_factory.mktemp("source") / "daecore", tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, copy, ignore=lambda folder, names: [it for it in names if it.startswith(".") or it in LEFT])
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(out),
        ".",
    ]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = out.glob("*.whl")
    return found


def test_every_module_recipe_and_template_is_in_it(wheel: Path) -> None:
    there = {
        "/".join((name, *path.relative_to(ROOT / folder).parts))
        for folder, name in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.suffix in KINDS
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == there


def test_it_is_installed_elsewhere_and_works_from_there(wheel: Path, tmp_path: Path) -> None:
    """Not the checkout: every module is found in the installed folder, and so are recipes and templates."""
    target = tmp_path / "site"
    command = ["install", "--quiet", "--no-deps", "--no-compile", "--target", str(target), str(wheel)]
    subprocess.run([*PIP, *command], check=True, capture_output=True)
    program = f"""
import sys
sys.path.insert(0, {str(target)!r})
from importlib.util import find_spec
from pathlib import Path
from daecore.plugin.source_digest import modules_of
import daecore_flows.store.recipes as recipes
import daecore_plugins.corruptions.erasure

names = [name for package in ("daecore", "daecore_plugins", "daecore_flows") for name in modules_of(package)]
for name in names:
    assert Path(find_spec(name).origin).is_relative_to({str(target)!r}), name
print(len(names), len(recipes.recipes()))
"""
    command = [sys.executable, "-P", "-S", "-c", _WITH_LIBRARIES + program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    modules, recipes = map(int, done.stdout.split())
    assert modules > 200
    assert recipes > 50


# The libraries of this environment, but not the checkout, which a .pth file or a finder of it would bring.
_WITH_LIBRARIES = f"import sys; sys.path.append({str(Path(pytest.__file__).parents[1])!r})"
