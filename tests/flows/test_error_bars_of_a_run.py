"""Error bars as an option of a run, and of a run that had none: what is kept, what is reused, what is said."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.usefixtures("stranger")

SMALL = ("--set", "training.epochs=2", "--set", "transfer=null")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", server)
        yield tmp_path_factory.mktemp("bars") / "store"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 8), np.uint8, endpoint=True)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_run_has_the_bounds_it_asks_for_and_another_gets_them_when_they_are_needed(
    store: Path, dae: Any, picture: Path, tmp_path: Path
) -> None:
    """No other stage's key knows of them: a run without bounds leaves all but them to be reused."""
    reports = [tmp_path / "plain.json", tmp_path / "bounded.json"]
    dae(store, "run", "digits-erasure", *SMALL, "--report", reports[0])
    said = dae(
        store, "run", "digits-erasure", *SMALL, "--set", "error_bars={level: 0.8}", "--report", reports[1]
    ).stdout
    plain, bounded = (json.loads(path.read_text()) for path in reports)
    assert plain["error_bars"] is None
    assert set(bounded["reused"]) == {"load_dataset", "train_autoencoder", "measure_baselines", "evaluate_denoising"}
    found = bounded["error_bars"]
    assert (found["method"], found["level"], found["pictures"]) == ("learned", 0.8, 300)
    assert found["coverage"]["mean"] == pytest.approx(0.8, abs=0.06)
    assert "80% of uncertain values within their bounds" in said
    artifacts = Path(bounded["files"]["artifacts"])
    assert {"error-bars.png", "error-bars.safetensors"} <= {path.name for path in artifacts.iterdir()}
    assert "<h2>Error bars</h2>" in (artifacts / "report.html").read_text()

    run, before = bounded["mlflow"]["run_id"], plain["mlflow"]["run_id"]
    done = dae(store, "restore", run, picture, tmp_path / "one.png", "--interval", "0.8")
    assert "fitted now" not in done.stderr
    assert "Calibrated on 200 validation pictures; measured on 300 unseen ones" in done.stdout
    done = dae(store, "restore", before, picture, tmp_path / "two.png", "--interval", "0.8")
    assert "has no error bars at 80% yet. They are fitted now" in done.stderr
    assert "fit_bars: reused" in done.stderr  # it is the same network
    assert "fitted now" not in dae(store, "restore", before, picture, tmp_path / "2.png", "--interval", "0.8").stderr
    dae(store, "gc", "--keep", "50", "--yes")
    assert "fitted now" not in dae(store, "restore", before, picture, tmp_path / "3.png", "--interval", "0.8").stderr
    for fitted in (store / "results").glob("fit_bars-*/error-bars.safetensors"):
        fitted.write_bytes(b"damaged")
    done = dae(store, "restore", run, picture, tmp_path / "4.png", "--interval", "0.8")
    assert "fitted now" not in done.stderr  # its own artifacts have a copy
    assert (tmp_path / "4-width.png").read_bytes() == (tmp_path / "one-width.png").read_bytes()
    done = dae(store, "restore", before, picture, tmp_path / "5.png", "--interval", "0.8")
    assert "They are fitted now" in done.stderr  # what is damaged is made again
    assert (tmp_path / "5-width.png").read_bytes() == (tmp_path / "one-width.png").read_bytes()
    for name in ("lower", "upper", "width"):
        assert (tmp_path / f"one-{name}.png").read_bytes() == (tmp_path / f"two-{name}.png").read_bytes()


def test_too_few_validation_pictures_are_said_in_a_paragraph(store: Path, dae: Any) -> None:
    """Exit status 2: how many are needed, and what else to do."""
    said = dae(store, "run", "digits-erasure", *SMALL, "--set", "error_bars={level: 0.99}", status=2).stderr
    assert "Error bars that hold 99.0% of the uncertain values need about" in said
    assert "and there are 200. Give the dataset more of them, or lower error_bars.level" in said


def test_points_have_no_error_bars(store: Path, dae: Any) -> None:
    said = dae(store, "run", "arc-gaussian", "--set", "error_bars={}", status=2).stderr
    assert "Error bars are for pictures" in said


def test_bounds_are_calibrated_on_the_pictures_that_the_network_never_saw_or_not_at_all(
    store: Path, dae: Any, picture: Path, tmp_path: Path
) -> None:
    """Of a folder that has changed, or is gone, nobody knows any more which pictures these were."""
    folder, report = tmp_path / "photos", tmp_path / "run.json"
    folder.mkdir()
    pixels = np.random.default_rng(1).integers(0, 255, (40, 8, 8), np.uint8, endpoint=True)
    for number, values in enumerate(pixels):
        Image.fromarray(values).save(folder / f"{number}.png")
    data = f"dataset={{image_folder: {{path: {folder}, size: 8}}}}"
    dae(store, "run", "digits-erasure", *SMALL, "--set", data, "--report", report)
    run = json.loads(report.read_text())["mlflow"]["run_id"]
    asked = (store, "restore", run, picture, tmp_path / "out.png", "--interval", "0.5")
    Image.fromarray(255 - pixels[0]).save(folder / "0.png")
    said = dae(*asked, status=2).stderr
    assert "The dataset image_folder has changed since this network was trained on it" in said
    folder.rename(tmp_path / "elsewhere")
    said = dae(*asked, status=2).stderr
    assert "the dataset of the run" in said
    assert "cannot be loaded here" in said
    assert "without --interval the pictures are restored all the same" in said
    assert not (tmp_path / "out.png").exists()


def test_damaged_bounds_beside_weights_say_what_to_do(store: Path, dae: Any, picture: Path, tmp_path: Path) -> None:
    """Exit status 2, and nothing is restored."""
    dae(store, "run", "digits-erasure", *SMALL)
    weights = next(store.rglob("weights.safetensors"))
    (tmp_path / weights.name).write_bytes(weights.read_bytes())
    (tmp_path / "error-bars.safetensors").write_bytes(b"damaged")
    said = dae(store, "restore", tmp_path / weights.name, picture, tmp_path / "out.png", "--interval", "0.9", status=2)
    assert "name the run in place of its weights: there they are fitted anew" in said.stderr
    assert not (tmp_path / "out.png").exists()
