"""`dae verify` through its command, on 8x8 digits: what is bit-equal, what is not, why, and what a page says of it."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Json = dict[str, Any]
SMALL = ["--set", "transfer=null", "--set", "training.epochs=1"]
DIFFERENT = 3


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", server)
        yield tmp_path_factory.mktemp("verify") / "store"


def reported(dae: Any, store: Path, *words: str) -> Json:
    """The report of a run."""
    file = store.parent / "report.json"
    dae(store, *words, "--report", file)
    found: Json = json.loads(file.read_text())
    return found


@pytest.fixture(scope="module")
def first(store: Path, dae: Any) -> Json:
    """A run that was computed with two threads, where small pictures take one."""
    return reported(dae, store, "run", "digits-erasure", *SMALL, "--threads", "2")


@pytest.fixture(scope="module")
def verify(store: Path, dae: Any) -> Callable[..., Json]:
    """What a verification finds, and what it says."""

    def verify(run: str, *words: str, status: int = 0, new: bool = False) -> Json:
        file = store.parent / "found.json"
        done = dae(store, "verify", run, *words, "--json", file, status=status, new=new)
        return {**json.loads(file.read_text()), "said": done.stdout}

    return verify


def client_of(store: Path) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{store}/mlflow.db")


def kept_files(store: Path) -> dict[str, int]:
    """Everything in a store that stages, trainings and models leave, by the time of writing."""
    folders = ("results", "prefect/storage", "checkpoints", "artifacts")
    found = (path for folder in folders for path in (store / folder).rglob("*") if path.is_file())
    return {str(path): path.stat().st_mtime_ns for path in found if "verifications" not in path.parts}


def test_a_fresh_run_is_bit_equal_and_its_page_says_so(
    store: Path, first: Json, verify: Callable[..., Json], dae: Any
) -> None:
    """With the threads it was computed with, without the cache; a second verification takes the place of the first."""
    run_id, before = first["mlflow"]["run_id"], kept_files(store)
    found = verify(run_id[:12])
    assert (found["verdict"], found["why"], found["trained"]) == ("bit-equal", [], False)
    assert {one["verdict"] for one in found["compared"]} == {"bit-equal"}
    names = {one["name"] for one in found["compared"]}
    assert names >= {"data", "weights", "pairs", "per_image.psnr_db", "denoising.restored_db", "denoising.gain_db.low"}
    assert found["computed"] == found["computed_then"] == {name: first["computed"][name] for name in found["computed"]}
    assert "evaluated again on cpu, float32, 2 threads, as it was computed" in found["said"]
    assert found["left_out"] == ["The training: --train trains again, and compares the weights."]
    assert found["remarks"] == ["2 threads shared 1 core: that is slow, and gives the same bits."]
    again = verify("models:/digits-erasure-0.5@newest")
    tags = client_of(store).get_run(run_id).data.tags
    assert tags["verified.at"] == again["at"]
    assert (tags["verified.verdict"], tags["verified.how"]) == ("bit-equal", "evaluated again")
    note = tags["mlflow.note.content"]
    assert note.count("**Last verified**") == 1
    assert note.endswith(f"{again['at'][:10]} {again['at'][11:16]} UTC, evaluated again: bit-equal.")
    assert "[The whole report]" in note
    (listed,) = json.loads(dae(store, "runs", "--json").stdout)
    assert (listed["verified"], listed["verified_at"]) == ("bit-equal", again["at"])
    (folder,) = store.glob(f"artifacts/*/{run_id}/artifacts/verifications")
    history = [json.loads(path.read_text()) for path in sorted(folder.iterdir())]
    assert [one["at"] for one in history] == sorted({found["at"], again["at"]})
    assert kept_files(store) == before


def test_a_run_is_trained_again_with_the_threads_it_was_trained_with(
    store: Path, first: Json, verify: Callable[..., Json]
) -> None:
    """This machine would take one for such small pictures. Nothing is published, and no run is made."""
    before, runs = kept_files(store), len(client_of(store).search_runs(["0", "1", "2"]))
    found = verify(first["mlflow"]["run_id"], "--train")
    verdicts = {one["name"]: one["verdict"] for one in found["compared"]}
    assert verdicts["weights.train_autoencoder"] == verdicts["loss.train_autoencoder"] == "bit-equal"
    assert (found["verdict"], found["left_out"]) == ("bit-equal", [])
    assert "trained again on cpu, float32, 2 threads, as it was computed" in found["said"]
    assert kept_files(store) == before
    assert len(client_of(store).search_runs(["0", "1", "2"])) == runs


def test_another_number_of_threads_and_another_plugin_are_named(
    store: Path, first: Json, verify: Callable[..., Json]
) -> None:
    """Whatever came of it: of each then and now."""
    run_id, tag, client = first["mlflow"]["run_id"], "plugin.architecture.dense", client_of(store)
    before = client.get_run(run_id).data.tags[tag]
    client.set_tag(run_id, tag, "daecore 0.0.1 sha256:0123456789abcdef")
    try:
        found = verify(run_id, "--threads", "1")
    finally:
        client.set_tag(run_id, tag, before)
    plugin, threads = found["why"]
    assert plugin.startswith("The architecture 'dense' was daecore 0.0.1 with code 0123456789ab, and is daecore ")
    assert threads == "threads: 2 then, 1 now (evaluate_denoising)."
    assert "on cpu, float32, 1 thread\n" in found["said"]
    assert "  threads: 2 then, 1 now (evaluate_denoising).\n" in found["said"]
    assert found["verdict"] != "different"


def test_what_the_run_keeps_and_does_not_come_out_again_is_different(
    store: Path, first: Json, verify: Callable[..., Json]
) -> None:
    """Exit status 3; where nothing that is known differs, that is said. A figure in its report was altered."""
    run_id = first["mlflow"]["run_id"]
    (report,) = store.glob(f"artifacts/*/{run_id}/artifacts/report.json")
    text = report.read_text()
    kept = json.loads(text)
    kept["denoising"]["restored_db"] += 0.5
    report.write_text(json.dumps(kept))
    try:
        found = verify(run_id, status=DIFFERENT)
    finally:
        report.write_text(text)
    wrong = [one["name"] for one in found["compared"] if one["verdict"] != "bit-equal"]
    assert (found["verdict"], wrong) == ("different", ["denoising.restored_db"])
    assert "Nothing that the run keeps differs" in found["why"][0]
    assert "denoising.restored_db: " in found["said"]
    assert "off by 0.5, different" in found["said"]


def test_a_reused_stage_says_with_what_it_was_computed(store: Path, first: Json, dae: Any) -> None:
    """Whoever takes it from the cache has computed nothing: the report has the facts of who did."""
    again = reported(dae, store, "rerun", first["mlflow"]["run_id"])
    assert set(again["reused"]) == set(first["computed"]) == set(again["computed"])
    assert again["computed"] == first["computed"]
    assert first["computed"]["train_autoencoder"]["threads"] == "2"
    assert {"torch", "numpy", "python", "cpu", "instructions", "system", "code"} <= set(
        first["computed"]["evaluate_denoising"]
    )


def test_what_cannot_be_verified_is_refused_in_a_paragraph(store: Path, first: Json, dae: Any) -> None:
    """Exit status 2: no such run, one that goes on, one that failed, a plugin, weights or a report that is gone."""
    client, run_id = client_of(store), first["mlflow"]["run_id"]

    def refused(run: str) -> str:
        done = dae(store, "verify", run, status=2)
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        return str(done.stderr)

    assert "There is no run 'nobody'" in refused("nobody")
    experiment = client.get_run(run_id).info.experiment_id
    other = client.create_run(experiment, run_name="mine", tags={"stage": "denoise"}).info.run_id
    assert "is still going on: there is nothing to verify yet" in refused(other)
    client.set_terminated(other, "FAILED")
    assert "is FAILED and has no result to verify" in refused(other)
    client.delete_run(other)
    client.set_tag(run_id, "plugin.corruption.fog", "dae-fog 1.2 sha256:0123")
    assert "The corruption 'fog' is not installed: pip install dae-fog==1.2" in refused(run_id)
    client.delete_tag(run_id, "plugin.corruption.fog")
    for name, said in (("report.json", "keeps no report"), ("per_image.npz", "cannot be read")):
        with without(next(store.glob(f"artifacts/*/{run_id}/artifacts/{name}"))):
            assert said in refused(run_id)
    training = first["mlflow"]["training_run_id"]
    with without(next(store.glob(f"artifacts/*/{training}/artifacts/model/weights.safetensors"))):
        assert f"`dae verify {run_id[:12]} --train` trains it again" in refused(run_id)


class without:  # noqa: N801 (reads as a block)
    """A block in which a file is gone."""

    def __init__(self, path: Path) -> None:
        self._path, self._aside = path, path.with_name("aside")

    def __enter__(self) -> None:
        self._path.rename(self._aside)

    def __exit__(self, *error: object) -> None:
        self._aside.rename(self._path)


@pytest.mark.long
def test_a_plugin_whose_file_changed_is_named(
    tmp_path: Path, store: Path, dae: Any, verify: Callable[..., Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single file, edited after the run: the corruption, what came of it, and both versions of its code."""
    file = tmp_path / "dae_scan.py"
    shutil.copy(Path(__file__).parents[2] / "example_plugin" / "dae_scan.py", file)
    monkeypatch.setenv("DAE_PLUGIN_PATH", str(tmp_path))
    run = reported(dae, store, "run", "digits-erasure", *SMALL, "--set", "corruptions=[{scan: {}}]")["mlflow"]["run_id"]
    file.write_text(file.read_text().replace("period == 0", "period == 1"))
    found = verify(run, status=DIFFERENT)
    (why,) = found["why"]
    assert why.startswith(f"The corruption 'scan' was {file} with code ")
    assert why in found["said"]
    verdicts = {one["name"]: one["verdict"] for one in found["compared"]}
    assert (verdicts["data"], verdicts["weights"], verdicts["pairs"]) == ("bit-equal", "bit-equal", "different")
    assert client_of(store).get_run(run).data.tags["verified.why"] == why


@pytest.mark.long
def test_classifiers_their_control_and_the_layers_of_a_stack_are_trained_again(
    store: Path, dae: Any, verify: Callable[..., Json]
) -> None:
    """Bit-equal, each network and each figure; without --train they are named as not verified."""
    small = ["--set", "training.epochs=2", "--set", "transfer.labels=[20]", "--set", "transfer.seeds=2"]
    run = reported(dae, store, "stack", "stacked/digits", *small)["mlflow"]["run_id"]
    assert len(verify(run)["left_out"]) == 2
    found = verify(run, "--train")
    weights = [one["name"] for one in found["compared"] if one["name"].startswith("weights.")]
    kinds = ("train_layer_1", "train_layer_2", "unroll_stack")
    controls = ("train_control_layer_1", "train_control_layer_2", "unroll_control_stack")
    assert weights == [f"weights.{name}" for name in (*kinds, *controls)]
    assert "transfer.finetune-20.error_percent.mean" in {one["name"] for one in found["compared"]}
    assert (found["verdict"], found["left_out"]) == ("bit-equal", [])


@pytest.mark.long
def test_samples_are_drawn_and_error_bars_are_taught_again(store: Path, dae: Any, verify: Callable[..., Json]) -> None:
    words = [*SMALL, "--set", "objective={flow: {}}", "--set", "architecture={dense: {sampler: true}}"]
    run = reported(dae, store, "run", "digits-erasure", *words)["mlflow"]["run_id"]
    found = verify(run)
    assert {one["name"].partition(".")[0] for one in found["compared"]} >= {"sampling", "denoising"}
    assert found["verdict"] == "bit-equal"
    bars = reported(dae, store, "run", "digits-erasure", *SMALL, "--set", "error_bars={level: 0.9}")["mlflow"]["run_id"]
    assert any("error bars" in sentence for sentence in verify(bars)["left_out"])
    found = verify(bars, "--train")
    assert "error_bars.width" in {one["name"] for one in found["compared"]}
    assert found["verdict"] == "bit-equal"


@pytest.mark.long
def test_data_that_have_changed_are_named_and_nothing_is_computed_of_them(
    tmp_path: Path, store: Path, dae: Any, verify: Callable[..., Json]
) -> None:
    """A user's folder with one picture more: exit status 3. Without the folder: a paragraph."""
    import numpy as np
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(41):
        picture = np.random.default_rng(number).integers(0, 255, (16, 16), np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    (folder / "40.png").rename(tmp_path / "later.png")
    dataset = f"dataset={{image_folder: {{path: {folder}, size: 16}}}}"
    words = [*SMALL, "--set", dataset, "--set", "architecture={conv: {code: 8}}"]
    run = reported(dae, store, "run", "digits-erasure", *words)["mlflow"]["run_id"]
    assert verify(run)["verdict"] == "bit-equal"
    (tmp_path / "later.png").rename(folder / "40.png")
    found = verify(run, status=DIFFERENT)
    assert [one["name"] for one in found["compared"]] == ["data"]
    assert found["why"][0].startswith("The data of image_folder have changed: sha256 ")
    assert found["left_out"] == ["Nothing was computed again: it would be of other data."]
    shutil.rmtree(folder)
    assert "dae: " in dae(store, "verify", run, status=2).stderr


@pytest.mark.long
def test_an_interrupt_leaves_nothing_behind(
    tmp_path: Path, store: Path, dae: Any, started: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while it trains again: exit status 130, no file, no run that goes on, and the run says nothing new."""
    words = ["--set", "transfer=null", "--set", "training.epochs=60"]
    run = reported(dae, store, "run", "digits-erasure", *words)["mlflow"]["run_id"]
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    before = kept_files(store)
    process = started(store, "verify", run, "--train", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in process.stderr:
        if "epoch 2 of 60" in line:
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert (process.returncode, said.splitlines()[-1]) == (130, "Stopped.")
    assert list(folder.glob("dae-verify-*")) == []
    assert kept_files(store) == before
    tags = client_of(store).get_run(run).data.tags
    assert "verified.at" not in tags
    assert [it for it in client_of(store).search_runs(["0", "1", "2"]) if it.info.status == "RUNNING"] == []
