"""Retraining on 8x8 digits with a real store and server: who trains, who is skipped, who is champion afterwards."""

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient
from PIL import Image

from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import as_float
from daecore.plugin.spec import spec
from daecore.rng import stream

pytestmark = pytest.mark.long

Retrain = Callable[..., str]
Decided = Callable[[Path, str], dict[str, Any]]
MODEL = "retrained-digits-gaussian_noise-0.1"
ASKED = [
    "digits-erasure", "--set", "corruptions=[{gaussian_noise: {sigma: 0.1}}]", "--set", "training.epochs=2",
    "--set", "architecture={dense: {widths: [64], code: 32}}", "--set", "transfer=null",
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    """One store: each test has a registered model of its own in it, and trainings come from the cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", server)
        yield tmp_path_factory.mktemp("retrain") / "store"


@pytest.fixture(scope="module")
def retrain(dae: Any) -> Retrain:
    """What a retraining says."""

    def retrain(store: Path, *arguments: str) -> str:
        return str(dae(store, "retrain", *ASKED, *arguments).stdout)

    return retrain


def client(store: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{store}/mlflow.db")


def aliases(store: Path, model: str) -> dict[str, str]:
    return {name: str(version) for name, version in client(store).get_registered_model(model).aliases.items()}


@pytest.fixture(scope="module")
def decided(runs: Any) -> Decided:
    """The newest decision about a model, from its run's artifacts."""

    def decided(store: Path, model: str) -> dict[str, Any]:
        newest = [run for run in runs(store, "retrain") if run.data.tags["model"] == model][-1]
        folder = Path(newest.info.artifact_uri.removeprefix("file://"))
        assert newest.info.status == "FINISHED"
        assert newest.data.tags["mlflow.note.content"].startswith("# ")
        return {**json.loads((folder / "decision.json").read_text()), "folder": folder}

    return decided


def pictures(folder: Path, sigma: float) -> str:
    """Sixty digits with Gaussian noise, as files."""
    data = spec("dataset", "digits")
    clean = as_float(data.extension.function(data.options, cache=folder).test[0].data[:60])
    corruptor = Corruptor([spec("corruption", {"gaussian_noise": {"sigma": sigma}})])
    values = corruptor(clean, stream(5, "incoming")).x.clamp(0, 1).mul(255).round().byte()
    folder.mkdir()
    for number, value in enumerate(values):
        Image.fromarray(value[0].numpy()).save(folder / f"{number}.png")
    return str(folder)


def flow_run(server: str, model: str) -> dict[str, Any]:
    """The newest flow run about a model."""
    asked = json.dumps({"flow_runs": {"name": {"like_": f"retrain {model}"}}, "sort": "START_TIME_DESC"}).encode()
    request = urllib.request.Request(
        f"{server}/flow_runs/filter", data=asked, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer)[0])


def test_the_first_network_is_champion_and_the_second_look_is_skipped(
    store: Path, server: str, retrain: Retrain, decided: Decided, runs: Any
) -> None:
    """Trained and promoted at once, under the task's own name; unchanged, there is no training and no MLflow run."""
    model = "retrained-digits-gaussian_noise-0.1"
    assert "the challenger is champion now" in retrain(store)
    assert aliases(store, model) == {"champion": "1"}
    first = decided(store, model)
    assert first["reasons"] == ["there is no champion yet"]
    assert (first["folder"] / "challenger" / "panel.png").is_file()
    before = len(runs(store, "train_autoencoder")), len(runs(store, "retrain"))
    said = retrain(store)
    assert "nothing changed since the champion of" in said
    assert (len(runs(store, "train_autoencoder")), len(runs(store, "retrain"))) == before
    state = flow_run(server, model)["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "Skipped")
    assert "nothing changed" in state["message"]


def test_noisier_pictures_coming_in_train_for_their_noise(
    store: Path, tmp_path: Path, retrain: Retrain, decided: Decided
) -> None:
    """The first folder is what the recipe expects; the second is noisier, and the strength is set to match it."""
    same, noisier = pictures(tmp_path / "same", 0.1), pictures(tmp_path / "noisier", 0.4)
    named = ("--model", "noisy", "--incoming")
    retrain(store, *named, same)
    assert decided(store, "noisy")["fitted"] == ""
    assert "nothing changed" in retrain(store, *named, same)
    retrain(store, *named, noisier)
    found = decided(store, "noisy")
    assert found["reasons"][0].startswith("the noise has changed: its sigma went from")
    sigma = float(found["fitted"].split("sigma=")[1].split(",")[0])
    assert sigma == pytest.approx(0.4, rel=0.15)
    assert found["gain_db"]["n"] == 300
    assert (found["folder"] / "champion" / "panel.png").is_file()
    assert "nothing changed" in retrain(store, *named, noisier)


def test_another_seed_is_not_promoted(store: Path, retrain: Retrain, decided: Decided) -> None:
    """Forced, with the same data: the lead's lower end is below 0.1 dB, so the old champion stays."""
    retrain(store, "--model", "seeds")
    retrain(store, "--model", "seeds", "--force", "--set", "seed=1")
    assert aliases(store, "seeds") == {"champion": "1", "challenger": "2"}
    assert decided(store, "seeds")["gain_db"]["low"] < 0.1


def test_a_worse_challenger_is_not_promoted_and_not_trained_again(
    store: Path, retrain: Retrain, decided: Decided
) -> None:
    """Evaluated on the same pictures it lost: the champion's alias has not moved, and asking again is skipped."""
    worse = ("--set", "training.epochs=1", "--set", "training.learning_rate=1e-6")
    retrain(store, "--model", "worse")
    assert "is not promoted" in retrain(store, "--model", "worse", *worse)
    assert aliases(store, "worse") == {"champion": "1", "challenger": "2"}
    found = decided(store, "worse")
    assert found["reasons"] == ["the experiment has changed"]
    assert found["gain_db"]["high"] < 0
    assert found["champion"]["restored_db"] > found["challenger"]["restored_db"]
    assert "has been trained for already, and lost" in retrain(store, "--model", "worse", *worse)


def test_a_better_challenger_follows_and_loses_its_alias(store: Path, retrain: Retrain, decided: Decided) -> None:
    """The weak one first; then one that is better for certain."""
    weak = ("--set", "training.epochs=1", "--set", "training.learning_rate=1e-6")
    retrain(store, "--model", "better", *weak)
    retrain(store, "--model", "better", *weak, "--force", "--set", "seed=2")
    assert aliases(store, "better") == {"champion": "1", "challenger": "2"}
    assert "is champion now" in retrain(store, "--model", "better")
    assert aliases(store, "better")["champion"] == "3"
    assert decided(store, "better")["gain_db"]["low"] > 0.1


def test_the_same_network_again_changes_nothing(store: Path, retrain: Retrain) -> None:
    """Forced without any change: the training is the champion's own, which is no challenger of itself."""
    retrain(store, "--model", "again")
    assert "is not promoted" in retrain(store, "--model", "again", "--force")
    assert aliases(store, "again") == {"champion": "1"}


def test_a_champion_whose_files_are_gone_is_replaced_and_that_is_told(store: Path, retrain: Retrain) -> None:
    """It cannot be evaluated any more: the challenger follows, and the card says why."""
    retrain(store, "--model", "gone", "--set", "seed=7")
    version = client(store).get_model_version_by_alias("gone", "champion")
    run = client(store).get_run(version.tags["dae.training"])
    Path(run.info.artifact_uri.removeprefix("file://"), "model", "weights.safetensors").unlink()
    said = retrain(store, "--model", "gone", "--force", "--set", "seed=8")
    assert "cannot be loaded any more" in said
    assert "| champion | 1 | not evaluated |" in said
    assert aliases(store, "gone") == {"champion": "2"}


def test_of_two_at_once_one_trains_and_the_other_is_skipped(store: Path, runs: Any, started: Any) -> None:
    """The second waits for the first, then looks again."""
    asked = ("retrain", *ASKED, "--model", "both", "--set", "seed=11")
    both = [started(store, *asked, stdout=subprocess.PIPE) for _ in range(2)]
    said = sorted(process.communicate()[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert "is champion now" in said[0]
    assert "nothing changed" in said[1]
    assert aliases(store, "both") == {"champion": "1"}
    assert len([run for run in runs(store, "retrain") if run.data.tags["model"] == "both"]) == 1


def test_wrong_input_is_found_before_anything_starts(store: Path, dae: Any) -> None:
    """Exit status 2, one paragraph."""
    for arguments, message in (
        (["--incoming", "nowhere"], "there is no such folder"),
        (["--model", "a/b"], "is made of letters"),
        (["--set", "dataset=nothing"], "There is no dataset called 'nothing'"),
    ):
        assert message in dae(store, "retrain", *ASKED, *arguments, status=2).stderr
