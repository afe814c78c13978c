"""A user's own folders `plugins/` and `flows/` in the working directory must not hide the built-ins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = "from daecore.plugin.registry import registry; print(*registry().names('corruption'), len(registry().broken))"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    for name in ("plugins", "flows"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the wrong folder was imported')\n")
    (tmp_path / "look.py").write_text(CODE)
    return tmp_path


@pytest.mark.parametrize("arguments", [["-c", CODE], ["-m", "look"]], ids=["-c", "-m"])
def test_the_built_ins_are_found_beside_folders_of_the_same_names(hostile: Path, arguments: list[str]) -> None:
    """`python -m` and `-c` put the working directory first on the path."""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}  # `dae` sets it
    done = subprocess.run(
        [sys.executable, *arguments], cwd=hostile, env=plain, capture_output=True, text=True, check=True
    )
    assert "erasure" in done.stdout.split()
    assert "gaussian_noise" in done.stdout.split()


def test_the_folder_flows_is_imported_under_its_own_name(hostile: Path) -> None:
    subprocess.run([sys.executable, "-c", "import daecore_flows"], cwd=hostile, check=True)
