"""A stranger's series, from `pip install` to its gallery: nothing here knows it but by its name on the command line."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long
EXAMPLE = Path(__file__).parents[2] / "example_series"
DEPLOYED = """
from daecore_flows.store.store import current_store
current_store().enter()
from daecore_flows.studio.deployments import describe_deployments, tags
found = list(describe_deployments())
print([(flow.name, values, tags(name, "")) for flow, name, values, _ in found if name == "dusk"])
print([tags(name, values["recipe"]) for _, name, values, _ in found if values.get("recipe") == "dusk/digits"])
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    """A store, in an environment in which the example is installed."""
    folder = tmp_path_factory.mktemp("dusk")
    shutil.copytree(EXAMPLE, folder / "source")
    quiet = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *quiet, "--target", folder / "installed", folder / "source"]
    subprocess.run(command, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder / "installed"))
        patch.setenv("PREFECT_API_URL", server)
        yield folder / "store"


def test_it_is_listed_with_its_distribution(store: Path, dae: Any) -> None:
    (line,) = [line for line in dae(store, "studies").stdout.splitlines() if line.startswith("dusk")]
    assert re.split(r"\s{2,}", line.strip()) == ["dusk", "Digits at dusk", "strengths", "dae-dusk 0.1.0"]
    assert "dusk/digits" in dae(store, "recipes").stdout


def test_it_keeps_the_contract(store: Path, dae: Any) -> None:
    told = dae(store, "plugins", "check", "dusk").stdout
    assert "strengths in" in told
    assert "✗" not in told


def test_it_is_a_deployment_with_the_tag_of_its_family(store: Path, program: Any) -> None:
    flow, recipe = program(store, DEPLOYED)[:2]
    assert flow == "[('study', {'series': 'dusk'}, ['start-here', 'tools', 'dusk'])]"
    assert recipe == "[['dusk']]"


def test_it_makes_its_gallery_and_the_second_time_from_the_cache(store: Path, dae: Any) -> None:
    told = dae(store, "study", "dusk", "--quick").stdout
    (gallery,) = (store / "studies").glob("*.html")
    assert f"gallery  {gallery}" in told
    page = gallery.read_text()
    assert "data:image/png;base64," in page
    assert "dae study dusk --only strengths --quick" in page
    again = dae(store, "study", "dusk", "--quick", "--only", "strengths")
    assert "strengths: reused" in again.stdout + again.stderr
