"""Experiments that a program runs itself, with its own network: what it is given, what is kept, and what is refused."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("stranger")]

Program = Callable[..., list[str]]

CONV = {"conv": {"code": 16}}
OWN = """
import daecore
from torch import nn

WIDTH = 4


def layer(channels, width):
    return nn.Conv2d(channels, width, 3, padding=1)


@daecore.define_architecture
def plain(input_shape, output_shape, scale: float = 1.0):
    return nn.Sequential(layer(input_shape[0], WIDTH), nn.ReLU(), layer(WIDTH, output_shape[0]))


@daecore.define_objective
def fourth(restored, clean):
    return (restored - clean) ** 4
"""

BEGIN = """
import json
import sys

import numpy as np

import daecore
from daecore import DaecoreError, Experiment, spec

sys.path.insert(0, sys.argv[1])


def experiment(architecture="plain", **more):
    return Experiment(
        dataset=spec("dataset", "digits"), corruptions=(spec("corruption", "erasure"),),
        architecture=spec("architecture", architecture), training={"epochs": 1, "device": "cpu"}, transfer=None, **more,
    )


def told(ask):
    try:
        ask()
    except DaecoreError as error:
        return [type(error).__name__, str(error)]
    return []
"""

RUN = f"""{BEGIN}
import asyncio

import own


async def main():  # a notebook runs a cell while its loop runs
    ended = experiment(objective=spec("objective", "fourth")).run(name="mine")
    values = np.zeros((2, 8, 8), np.uint8)
    print(json.dumps({{
        "run_id": ended.run_id, "text": repr(ended), "html": ended._repr_html_(), "panel": str(ended.panel),
        "shape": ended.network.restore(values).shape, "store": str(ended.store.root), "reused": ended.report.reused,
        "type": type(ended.network).__name__,
    }}))


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", server)
        yield tmp_path_factory.mktemp("notebook") / "store"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the module that defines a network and an objective."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.py").write_text(OWN)
    return folder


@pytest.fixture(scope="module")
def ended(store: Path, own: Path, program: Program) -> dict[str, Any]:
    """What a program is given of its run."""
    return answer(program(store, RUN, str(own)))


def answer(lines: list[str]) -> Any:
    return json.loads(lines[-1])


def test_a_program_is_given_its_run(ended: dict[str, Any], store: Path) -> None:
    """Its network, its headline, its panel; a notebook shows them."""
    assert ended["store"] == str(store)
    assert ended["shape"] == [2, 8, 8]
    assert ended["type"] == "TrainedNetwork"
    assert "dB" in ended["text"]
    assert ended["text"].endswith(f"Run {ended['run_id']} in {store}")
    assert ended["html"].startswith("<p>Restored to ")
    assert '<img alt="original, damaged, restored" src="data:image/png;base64,' in ended["html"]
    assert Path(ended["panel"]).read_bytes().startswith(b"\x89PNG")


def test_the_run_keeps_the_code_that_the_program_defined(ended: dict[str, Any], runs: Any, store: Path) -> None:
    """With what it refers to; and says which recipe it came from."""
    (run,) = [run for run in runs(store, "denoise") if run.info.run_id == ended["run_id"]]
    folder = Path(ended["panel"]).parent / "defined"
    assert {path.name for path in folder.iterdir()} == {"architecture-plain.py", "objective-fourth.py"}
    kept = (folder / "architecture-plain.py").read_text()
    assert all(part in kept for part in ("def plain(", "def layer(", "WIDTH = 4"))
    assert run.data.tags["plugin.architecture.plain"].startswith("this program")


def test_the_same_again_is_reused_and_other_code_is_trained(
    ended: dict[str, Any], store: Path, own: Path, tmp_path: Path, program: Program
) -> None:
    """By another program, also where a helper alone is another one."""
    again = answer(program(store, RUN, str(own)))
    assert again["run_id"] != ended["run_id"]
    assert "train_autoencoder" in again["reused"]
    (tmp_path / "own.py").write_text(OWN.replace("WIDTH = 4", "WIDTH = 5"))
    other = answer(program(store, RUN, str(tmp_path)))
    assert "load_dataset" in other["reused"]
    assert "train_autoencoder" not in other["reused"]


LOAD = f"""{BEGIN}
if sys.argv[2] == "defined":
    import own
found = {{}}
for text in sys.argv[3:]:
    def ask():
        found[text] = daecore.load(text).restore(np.zeros((9, 7), np.uint8)).shape
    found[text] = told(ask) or found[text]
print(json.dumps(found))
"""


def weights_in(store: Path) -> Path:
    return next(store.glob("artifacts/**/model/weights.safetensors"))


def test_a_network_is_loaded_by_its_run_or_as_a_registered_model(
    ended: dict[str, Any], store: Path, own: Path, program: Program
) -> None:
    """By the beginning of the run's id and as a model; whatever else is told in a sentence that lists what there is."""
    run, model = ended["run_id"], "models:/digits-erasure-0.5"
    good = [run, run[:10], f"{model}/1", str(weights_in(store).parents[1])]
    wrong = ["nobodys", "models:/nobodys@newest", f"{model}@nobodys", "models:/", "0" * 32, "%", "it's", "models:", ""]
    found = answer(program(store, LOAD, str(own), "defined", *good, *wrong))
    assert {text: found[text] for text in good} == {text: [9, 7] for text in good}
    assert {found[text][0] for text in wrong} == {"InputError"}
    assert all(
        said.startswith(("There is no run", "There is no registered model")) for _, said in map(found.get, wrong)
    )
    assert not any("\n" in said for _, said in map(found.get, wrong))


def test_a_run_is_loaded_by_its_name_and_the_newest_by_its_alias(store: Path, own: Path, program: Program) -> None:
    """By the name where it is the only one that has it."""
    run = answer(program(store, f"{BEGIN}\nprint(json.dumps(experiment({CONV}).run().run_id))", str(own)))
    texts = [run, "digits erasure(p=0.5) conv-16", "models:/digits-erasure-0.5@newest"]
    assert answer(program(store, LOAD, str(own), "none", *texts)) == {text: [9, 7] for text in texts}


def test_a_program_without_the_definition_is_told(
    ended: dict[str, Any], store: Path, own: Path, program: Program
) -> None:
    """By the run and by the file: in a sentence."""
    texts = [ended["run_id"], str(weights_in(store))]
    found = answer(program(store, LOAD, str(own), "none", *texts))
    assert all("'plain'" in said and "\n" not in said for _, said in found.values())
    assert "define it again before" in found[texts[1]][1]


BOUNDS = f"""{BEGIN}
ended = [experiment({CONV}).run(store=f"{{sys.argv[2]}}/{{name}}") for name in "ab"]
values = np.zeros((2, 8, 8), np.uint8)
network = ended[0].network
ended[1].network.restore(values)
bounds = [network.interval(values), ended[0].network.interval(values), ended[1].network.interval(values, 0.8)]
print(json.dumps({{
    "panels": [str(it.panel) for it in ended], "levels": [it.level for it in bounds],
    "holds": [bool(((it.lower <= it.restored) & (it.restored <= it.upper)).all()) for it in bounds],
    "promised": [len(it.promised_db) for it in bounds],
}}))
"""


def test_runs_of_two_stores_stay_apart_and_are_given_bounds(tmp_path: Path, own: Path, program: Program) -> None:
    """In one program, in turns: each has its own panel, and its bounds are fitted where it has none."""
    found = answer(program(tmp_path / "unused", BOUNDS, str(own), str(tmp_path)))
    assert [Path(it).relative_to(tmp_path).parts[0] for it in found["panels"]] == ["a", "b"]
    assert found == {**found, "levels": [0.9, 0.9, 0.8], "holds": [True] * 3, "promised": [2] * 3}


REFUSED = f"""{BEGIN}
cuda = {{"epochs": 1, "device": "cuda"}}
print(json.dumps([
    told(lambda: experiment({CONV}).model_copy(update={{"training": Experiment(training=cuda).training}}).run()),
    told(lambda: experiment({CONV}).run(store="/proc/nowhere/store")),
    told(lambda: experiment({CONV}).run(store="/dev/null")),
]))
"""


def test_what_cannot_be_run_is_an_exception_of_a_sentence(tmp_path: Path, own: Path, program: Program) -> None:
    """And no exit of the program: a device that is not there, stores that cannot be."""
    device, *stores = answer(program(tmp_path / "store", REFUSED, str(own)))
    assert device[0] == "InputError"
    assert "torch sees no CUDA device here" in device[1]
    assert {kind for kind, _ in stores} <= {"InputError", "StoreError"}
    assert not any("\n" in said for _, said in stores)
