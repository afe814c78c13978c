"""A small lecture: its studies on a few tiny networks and digits that need no download."""

import hashlib
import struct
from pathlib import Path

import pytest
import torch
from daecore_plugins.datasets import mnist
from daecore_plugins.studies.lecture import SERIES
from torch import Tensor
from torch.nn import functional as F

from daecore import ExpectedFile
from daecore.data.samples import as_float, as_uint8
from daecore.plugin.spec import spec
from daecore.rng import stream
from daecore.testing import SmallLaboratory, laboratory

SIZES = {"train": 64, "validation": 16, "test": 60}


@pytest.fixture
def small_lecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallLaboratory:
    """Trains an epoch of 64 digits; what it loads as MNIST are scikit-learn's digits, enlarged."""
    digits = spec("dataset", "digits")
    known = digits.extension.function(digits.options, cache=tmp_path).train
    place = torch.randint(len(known), (5_200,), generator=stream(0, "place"))
    images = as_uint8(F.interpolate(as_float(known.data), (28, 28), mode="bilinear"))[place]
    labels = known.labels[place].to(torch.uint8)  # type: ignore[index]
    files = {
        "train-images-idx3-ubyte": _as_idx(images[:, 0]), "train-labels-idx1-ubyte": _as_idx(labels),
        "t10k-images-idx3-ubyte": _as_idx(images[:100, 0]), "t10k-labels-idx1-ubyte": _as_idx(labels[:100]),
    }  # fmt: skip
    (tmp_path / "mnist").mkdir()
    for name, content in files.items():
        (tmp_path / "mnist" / name).write_bytes(content)
    expected = {name: ExpectedFile(hashlib.sha256(it).hexdigest(), len(it)) for name, it in files.items()}
    monkeypatch.setattr(mnist, "FILES", expected)
    monkeypatch.setattr(laboratory, "SIZES", SIZES)
    return SmallLaboratory(SERIES.recipes(), tmp_path)


def _as_idx(array: Tensor) -> bytes:
    return struct.pack(f">BBBB{array.dim()}I", 0, 0, 8, array.dim(), *array.shape) + array.numpy().tobytes()
