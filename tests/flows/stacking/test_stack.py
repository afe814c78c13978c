"""`dae stack` on 8x8 digits: layer by layer, reused, gone on with, and one network at the end."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from daecore_flows.cli import main

Stack = Callable[..., dict[str, Any]]
SMALL = ["stacked/digits", "--set", "training.epochs=2", "--set", "transfer={labels: [20], seeds: 2, steps: 10}"]
THREE = ["stacked/digits", "--set", "architecture.stacked.widths=[48, 32, 24]", "--set", "training.epochs=60"]
THREE += ["--set", "transfer=null"]


@pytest.fixture(scope="module")
def stack(dae: Any, server: str) -> Iterator[Stack]:
    """Train a stack; its report. One server of Prefect's is for all commands."""

    def stack(store: Path, *arguments: str, **more: Any) -> dict[str, Any]:
        report = store.parent / f"{store.name}-{time.time_ns()}.json"
        dae(store, "stack", *arguments, "--report", report, **more)
        found: dict[str, Any] = json.loads(report.read_text())
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", server)
        yield stack


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits-erasure"], "Only the architecture 'stacked' is trained layer by layer"),
        (["stacked/digits", "--set", "corruptions=blur"], "codes that layer 2 is trained on"),
    ],
)
def test_what_is_no_stack_ends_before_anything_starts(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, and no store is made."""
    assert main(["stack", *arguments, "--store", str(tmp_path / "store")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_each_recipe_of_a_stack_is_a_deployment_of_its_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_STORE", str(tmp_path))
    from daecore_flows.studio.deployments import describe_deployments

    flows = {name: flow.name for flow, name, _, _ in describe_deployments()}
    assert (flows["stacked-mnist"], flows["stacked-digits"], flows["mnist-erasure"]) == ("stack", "stack", "denoise")


@pytest.mark.long
def test_a_stack_from_data_to_report(tmp_path: Path, stack: Stack, runs: Any, history: Any) -> None:
    """Two layers and their control, unrolled, restored, transferred; all of it reused when asked for again."""
    store = tmp_path / "store"
    first = stack(store, *SMALL, new=True)
    layers = [f"train_{kind}layer_{number}" for kind in ("", "control_") for number in (1, 2)]
    names = {"load_dataset", *layers, "unroll_stack", "unroll_control_stack", "measure_baselines", "evaluate_denoising"}
    assert names | {"transfer", "total"} == set(first["seconds"])
    assert first["reused"] == []
    assert first["training"]["epochs"] == 4
    assert {row["initialisation"] for row in first["transfer"]} >= {"scratch", "autoencoder", "finetune"}
    trained, (whole, control) = runs(store, "train_autoencoder"), runs(store, "unroll")
    assert [len(history(store, run.info.run_id)) for run in (*trained, whole, control)] == [2, 2, 2, 2, 4, 4]
    assert first["mlflow"]["training_run_id"] == whole.info.run_id
    assert set(stack(store, *SMALL)["reused"]) == names | {"transfer"}
    assert len(runs(store, "train_autoencoder")) == 4


@pytest.mark.long
def test_a_stack_killed_in_its_third_layer_goes_on_there(
    tmp_path: Path, stack: Stack, runs: Any, history: Any, started: Any
) -> None:
    """SIGKILL: layers 1 and 2 are reused, layer 3 loses at most one epoch, and the network is bit by bit the same."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    expected = stack(whole, *THREE)["training"]["weights_sha256"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    killed_in_layer(3, broken, started(broken, "stack", *THREE, **quiet))
    assert [run.info.status for run in runs(broken, "train_autoencoder")][:2] == ["FINISHED", "FINISHED"]
    report = stack(broken, *THREE)
    assert {"train_layer_1", "train_layer_2"} <= set(report["reused"])
    assert "train_layer_3" not in report["reused"]
    assert report["training"]["weights_sha256"] == expected
    trained = runs(broken, "train_autoencoder")
    assert [run.info.status for run in trained] == ["FINISHED"] * 3
    assert [history(broken, run.info.run_id) for run in trained] == [list(range(1, 61))] * 3


def killed_in_layer(number: int, store: Path, process: "subprocess.Popen[str]") -> None:
    """Kill a stack once this layer has written a checkpoint."""
    seen: set[str] = set()
    deadline = time.monotonic() + 240
    while len(seen) < number and time.monotonic() < deadline:
        seen |= {path.name for path in (store / "checkpoints").glob("[!.]*.safetensors")}
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert len(seen) == number, "the kill came too late or too early"
    assert list((store / "checkpoints").glob("[!.]*.safetensors")), "the layer was finished before the kill"
