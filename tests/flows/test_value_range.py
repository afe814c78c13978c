"""A camera of 12 bits from its folder to its restored pictures: the network keeps which numbers are 0 and 1."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from daecore.training.checkpoint import load_tensors

SIDE = 32
SMALL = [
    "training.epochs=40",
    "training.batch=8",
    "training.threads=1",
    "transfer=null",
    "architecture={unet: {widths: [2, 2]}}",
]


def scene(seed: int) -> np.ndarray:
    """Waves from 0 to 4,000."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    down, right = np.random.default_rng(seed).uniform(2, 7, 2)
    return np.rint(2000 + 2000 * np.sin(down * y + right * x)).astype(np.uint16)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, dae: Any) -> tuple[Path, str]:
    """The store of a run on such a folder, and the run."""
    folder = tmp_path_factory.mktemp("camera")
    (folder / "files").mkdir()
    for number in range(8):
        tifffile.imwrite(folder / "files" / f"{number}.tif", scene(number))
    data = f"dataset={{image_folder: {{path: '{folder}/files', size: 16, crops_per_image: 8}}}}"
    noise = "corruptions=[{gaussian_noise: {sigma: 0.1}}]"
    words = [word for it in (data, noise, *SMALL) for word in ("--set", it)]
    done = dae(folder / "store", "run", "digits-erasure", *words, "--report", folder / "report.json")
    assert "the numbers 0 to 4,095 become 0 to 1" in done.stderr
    return folder, json.loads((folder / "report.json").read_text())["mlflow"]["run_id"]


def test_counts_come_back_as_counts(run: tuple[Path, str], dae: Any) -> None:
    """Near those that went in; in the range of 16 bits they would be black."""
    folder, name = run
    tifffile.imwrite(folder / "in.tif", scene(99))
    dae(folder / "store", "restore", name, folder / "in.tif", folder / "out.tif", "--device", "cpu")
    restored = tifffile.imread(folder / "out.tif")
    assert restored.dtype == np.uint16
    assert 1000 < restored.mean() < 3000
    assert np.corrcoef(restored.ravel(), scene(99).ravel())[0, 1] > 0.9


def test_the_range_may_be_said_otherwise(run: tuple[Path, str], dae: Any) -> None:
    folder, name = run
    tifffile.imwrite(folder / "float.tif", (scene(98) * 4.0).astype(np.float32))
    store, source = folder / "store", folder / "float.tif"
    dae(store, "restore", name, source, folder / "said.tif", "--device", "cpu", "--range", "0,16380")
    restored = tifffile.imread(folder / "said.tif")
    assert restored.dtype == np.float32
    assert np.corrcoef(restored.ravel(), scene(98).ravel())[0, 1] > 0.9
    done = dae(store, "restore", name, source, folder / "typed.tif", "--device", "cpu", "--range", "dtype", status=1)
    assert "expected 0 to 1. Say which of them are 0 and 1" in done.stderr
    done = dae(store, "restore", name, source, folder / "no.tif", "--range", "5,1", status=2)
    assert "--range says which numbers of files are 0 and 1: model, dtype, or two ascending numbers" in done.stderr


def test_the_network_s_file_says_it(run: tuple[Path, str]) -> None:
    """To whoever takes it elsewhere."""
    from daecore.trained.model_file import ModelHeader

    (path,) = (run[0] / "store" / "artifacts").rglob("weights.safetensors")
    header = load_tensors(path, ModelHeader)[1]
    assert header.value_range is not None
    assert (header.value_range.low, header.value_range.high, header.value_range.kinds) == (0, 4095, ("uint16",))
