"""A stranger's series, from `pip install` to its gallery: nothing here knows it but by its name on the command line."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
DAE = str(Path(sys.executable).parent / "dae")
EXAMPLE = Path(__file__).parents[2] / "example_series"
DEPLOYED = """
from daecore_flows.store.store import current_store
current_store().enter()
from daecore_flows.studio.deployments import described, tags
print([(flow.name, values, tags(name, "")) for flow, name, values, _ in described() if name == "dusk"])
print([tags(name, values["recipe"]) for _, name, values, _ in described() if values.get("recipe") == "dusk/digits"])
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the example is installed, and a store of its own."""
    folder = tmp_path_factory.mktemp("dusk")
    shutil.copytree(EXAMPLE, folder / "source")
    quiet = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *quiet, "--target", folder / "installed", folder / "source"]
    subprocess.run(command, check=True)
    own = {"PYTHONPATH": str(folder / "installed"), "DAE_STORE": str(folder / "store"), "COLUMNS": "160"}
    return {**os.environ, **own, "OMP_NUM_THREADS": "1"}


def said(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_it_is_listed_with_its_distribution(environment: dict[str, str]) -> None:
    (line,) = [line for line in said(environment, DAE, "studies").splitlines() if line.startswith("dusk")]
    assert re.split(r"\s{2,}", line.strip()) == ["dusk", "Digits at dusk", "strengths", "dae-dusk 0.1.0"]
    assert "dusk/digits" in said(environment, DAE, "recipes")


def test_it_keeps_the_contract(environment: dict[str, str]) -> None:
    told = said(environment, DAE, "plugins", "check", "dusk")
    assert "strengths in" in told
    assert "✗" not in told


def test_it_is_a_deployment_with_the_tag_of_its_family(environment: dict[str, str]) -> None:
    flow, recipe = said(environment, sys.executable, "-P", "-c", DEPLOYED).splitlines()[:2]
    assert flow == "[('study', {'series': 'dusk'}, ['start-here', 'tools', 'dusk'])]"
    assert recipe == "[['dusk']]"


def test_it_makes_its_gallery_and_the_second_time_from_the_cache(environment: dict[str, str]) -> None:
    told = said(environment, DAE, "study", "dusk", "--quick")
    (gallery,) = Path(environment["DAE_STORE"], "studies").glob("*.html")
    assert f"gallery  {gallery}" in told
    page = gallery.read_text()
    assert "data:image/png;base64," in page
    assert "dae study dusk --only strengths --quick" in page
    assert "strengths: reused" in said(environment, DAE, "study", "dusk", "--quick", "--only", "strengths")
