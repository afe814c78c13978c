"""Loading a trained network by its file or folder; what a run's name is asked of is the laboratory."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import daecore
from daecore import laboratory
from daecore.errors import DaecoreError, InputError
from daecore.experiment.provenance import provenance
from daecore.model.autoencoder import Shapes, initialise
from daecore.plugin.spec import spec
from daecore.trained.model_file import ModelHeader
from daecore.training.checkpoint import save_tensors


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("DAE_DATA", str(tmp_path / "data"))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A network's file, where a run keeps it."""
    return saved(tmp_path / "run" / "model" / "weights.safetensors")


def saved(path: Path, **header: Any) -> Path:
    architecture, shape = spec("architecture", {"dense": {"widths": [6], "code": 3}}), (1, 4, 4)
    said = {"architecture": architecture.dump(), "plugins": provenance([architecture]), **header}
    path.parent.mkdir(parents=True, exist_ok=True)
    network = initialise(architecture, Shapes(shape, shape), 0)
    save_tensors(path, network.state_dict(), ModelHeader(input_shape=shape, output_shape=shape, **said))
    return path


def refused(model: Any, **options: Any) -> str:
    with pytest.raises(DaecoreError) as told:
        daecore.load(model, **options)
    said = str(told.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    "named",
    [
        lambda file: file, str, lambda file: file.parent, lambda file: str(file.parent), lambda file: file.parents[1],
        lambda file: f"{file.parents[1]}/", lambda file: "run/model", lambda file: "./run", lambda file: "run",
        lambda file: "~/run/model/weights.safetensors",
    ],
)  # fmt: skip
def test_a_file_is_loaded_by_its_name_or_a_folder_s(
    weights: Path, named: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a text or a path, from the working folder or home; ready to be used."""
    monkeypatch.chdir(weights.parents[2])
    monkeypatch.setenv("HOME", str(weights.parents[2]))
    network = daecore.load(named(weights), device="cpu")
    assert isinstance(network, daecore.TrainedNetwork)
    assert network.header.input_shape == (1, 4, 4)
    assert not network.module.training
    assert network.restore(np.zeros((4, 4), np.uint8)).shape == (4, 4)


def test_a_file_of_any_name_is_loaded(weights: Path) -> None:
    other = weights.rename(weights.with_name("mine"))
    assert daecore.load(other).header == daecore.load(str(other)).header


def test_what_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    """A path says so of itself; a name is looked for in the store."""
    for model in (tmp_path / "nowhere", str(tmp_path), f"{tmp_path}/x", "nowhere.safetensors", "./nowhere", Path("x")):
        assert "There is no model file" in refused(model)
    for model in ("nowhere", "models:/nowhere@best", "", "a/b", "x" * 5000, "\0"):
        assert "There is no store in" in refused(model)
    assert f"There is no store in {tmp_path / 'other'}" in refused("nowhere", store=tmp_path / "other")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("model", [5, None, b"run"])
def test_what_names_nothing_is_told(model: Any) -> None:
    assert f"named by a run, a registered model or a path; got {model!r}" in refused(model)


def test_what_is_no_network_is_told(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    assert "cannot be read as safetensors" in refused(tmp_path / "junk.safetensors")
    assert "There is no device 'gpu'. Did you mean 'cpu'?" in refused(weights, device="gpu")


def test_a_network_of_changed_code_is_refused_or_allowed(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.safetensors", plugins={"architecture dense": "daecore 0.1.0 sha256:abc"})
    assert "made with other plugins" in refused(path)
    assert daecore.load(path, allow_changed_plugins=True).header.plugins


def test_bounds_are_looked_for_beside_the_file(weights: Path) -> None:
    network = daecore.load(weights)
    with pytest.raises(InputError, match=r"put the run's error-bars.safetensors beside weights.safetensors"):
        network.interval(np.zeros((4, 4), np.uint8))


def test_what_the_laboratory_does_not_do_is_told() -> None:
    """As where it is installed by half; the library itself names nothing of it."""
    with pytest.raises(ImportError, match=r"For a dance: Install daecore again, whole: pip install 'daecore\[lab\]'"):
        laboratory.ask("dance", "a dance")


WITHOUT = """
import sys
from pathlib import Path

for name in ("prefect", "mlflow", "typer"):
    sys.modules[name] = None  # as if it were not installed

import daecore

print(daecore.load(Path(sys.argv[1])).header.input_shape)
for ask in (lambda: daecore.load("some-run"), daecore.Experiment().run):
    try:
        ask()
    except ImportError as error:
        print(error)
"""


def test_without_the_laboratory_a_file_is_loaded_and_a_run_says_what_to_install(weights: Path) -> None:
    """One sentence for each; tests/test_small_installation.py takes everything away."""
    done = subprocess.run([sys.executable, "-c", WITHOUT, weights], capture_output=True, text=True, check=True)
    shape, run, experiment = done.stdout.splitlines()
    assert shape == "(1, 4, 4)"
    assert run.startswith("For the run 'some-run': The laboratory of daecore")
    assert experiment.startswith("For running an experiment: The laboratory of daecore")
    assert run.endswith("pip install 'daecore[lab]'") or "pip install 'daecore[lab]'" in run
