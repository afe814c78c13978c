"""Parsers of files that hold numbers and a header: models, checkpoints, error bars, baselines, scores."""

import io
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from daecore_flows.store.comparison.candidates import read_scores
from fuzzed import Parser, of_file
from repairs import repair_safetensors, repair_zip

from daecore.data.arrays import save_arrays
from daecore.evaluation.baseline import Baseline, Baselines
from daecore.evaluation.linear import LinearMap
from daecore.experiment.provenance import provenance
from daecore.model.autoencoder import Autoencoder, Shapes, initialise
from daecore.plugin.spec import spec
from daecore.stats.intervals import Interval
from daecore.trained.error_bars_file import ErrorBarsHeader, load_error_bars, save_error_bars
from daecore.trained.model_file import ModelHeader, load_model
from daecore.training.checkpoint import load_training_state, save_tensors, save_training_state
from daecore.training.optimiser import AdamW
from daecore.training.state import TrainingState, require_same_training
from daecore.uncertainty.error_bars import ErrorBars
from daecore.uncertainty.error_network import ErrorNetwork
from daecore.uncertainty.estimator import DerivativeEstimator, LearnedEstimator
from daecore.uncertainty.report import ErrorBarsReport
from daecore.uncertainty.thresholds import Thresholds

SHAPES = Shapes((1, 4, 4), (1, 4, 4))
ARCHITECTURES: tuple[dict[str, Any], ...] = (
    {"dense": {"widths": [6], "code": 3}}, {"conv": {"widths": [2], "code": 2}}, {"unet": {"widths": [2, 2]}},
)  # fmt: skip


@cache
def _network(number: int = 0) -> Autoencoder:
    shapes = SHAPES if number == 0 else Shapes((1, 8, 8), (1, 8, 8))
    return initialise(spec("architecture", ARCHITECTURES[number]), shapes, 0).eval()


def _written(room: Path, write: Callable[[Path], object]) -> bytes:
    write(room / "seed")
    return (room / "seed").read_bytes()


def _models(room: Path) -> list[bytes]:
    found = []
    for number, named in enumerate(ARCHITECTURES):
        architecture, shape = spec("architecture", named), (1, 4, 4) if number == 0 else (1, 8, 8)
        header = ModelHeader(
            architecture=architecture.dump(), input_shape=shape, output_shape=shape, plugins=provenance([architecture])
        )
        state = _network(number).state_dict()
        found.append(_written(room, lambda path, state=state, header=header: save_tensors(path, state, header)))
    return found


def _state(average: bool, best: bool) -> TrainingState:
    own, averaged, kept = ({key: it.clone() for key, it in _network().state_dict().items()} for _ in range(3))
    moments = AdamW(_network(), 0).moments
    return TrainingState(3, own, moments, averaged if average else {}, kept if best else {}, 0.25, 1)


def _checkpoints(room: Path) -> list[bytes]:
    states = [_state(average, best) for average in (False, True) for best in (False, True)]
    return [_written(room, lambda path, state=state: save_training_state(path, state)) for state in states]


def _go_on(path: Path) -> TrainingState:
    state = load_training_state(path)
    require_same_training(state, _network(), average=bool(state.average), best=bool(state.best))
    return state


def _error_bars(room: Path) -> list[bytes]:
    held = Interval(mean=0.95, low=0.9, high=1, n=10)
    found = []
    for estimator in (DerivativeEstimator(0.3), LearnedEstimator(ErrorNetwork(1).eval(), 0.9)):
        learned = isinstance(estimator, LearnedEstimator)
        report = ErrorBarsReport(
            method="learned" if learned else "derivative", level=0.9, calibrated_on=40, shape=(1, 8, 8), pictures=10,
            uncertain=0.3, coverage=None, certain_coverage=None, quintiles=(), width=0.2, constant_width=0.3,
            whole_width=0.1, whole_constant_width=0.2, whole_shorter=None, shorter=None, db_level=0.95, db_held=held,
            promised_db=20, restored_db=22,
        )  # fmt: skip
        header = ErrorBarsHeader(
            weights_sha256="0" * 64, dataset="digits", corruptions="erasure(p=0.5)", sigma=0.0 if learned else 0.3,
            channels=1, decibel_shift=-2.5, constant=0.4, report=report,
        )  # fmt: skip
        thresholds = Thresholds(torch.linspace(0, 1, 32).view(2, 16), torch.linspace(0, 1, 32).view(2, 16))
        bars = ErrorBars(estimator, thresholds, 0.9, -2.5, 0.4, 40)
        found.append(_written(room, lambda path, bars=bars, header=header: save_error_bars(path, bars, header)))
    return found


def _stored(content: bytes) -> bytes:
    """The same arrays, not compressed: what is changed in them can be reached."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(buffer, "w") as after:
        for entry in before.infolist():
            after.writestr(zipfile.ZipInfo(entry.filename), before.read(entry))
    return buffer.getvalue()


def _baselines(room: Path) -> list[bytes]:
    index, values = np.arange(4), np.linspace(1, 2, 4, dtype=np.float32)
    rows = tuple(
        Baseline(name, strength, index, values, values) for name, strength in (("identity", None), ("gaussian", 0.5))
    )
    linear = LinearMap(torch.zeros(4, 4), torch.zeros(4))
    whole = Baselines(rows, "0" * 64, {"bm3d": "it is not there"}, linear, torch.zeros(1, 2, 2))
    made = [_written(room, whole.save), _written(room, Baselines(rows[:1], "0" * 64, {}).save)]
    return [*made, *map(_stored, made)]


def _scores(room: Path) -> list[bytes]:
    values = {
        "digest": np.array("0" * 64),
        "psnr_db": np.linspace(1, 2, 6, dtype=np.float32),
        "mse": np.ones(6, np.float32),
    }
    made = _written(room, lambda path: save_arrays(path, values))
    return [made, _stored(made)]


SAFE = (b'"dtype":"F32"', b'"F64"', b'"BF16"', b'"I64"', b'"BOOL"', b'"U8"', b'"F8_E4M3"', b'"shape":[',
    b'"data_offsets":[', b"__metadata__",
        b'\\"format\\": 2', b'\\"architecture\\"', b'\\"dense\\"', b'\\"unet\\"', b'\\"widths\\"', b'\\"code\\"',
        b'\\"input_shape\\"', b'\\"epoch\\"',
        b"1e999", b"NaN", b"-Infinity", b"\\\\ud800", b"weights/", b"optimiser/", b"average/", b"best/",
        b"thresholds/", b"network/")  # fmt: skip
NPY = (b"\x93NUMPY\x01\x00v\x00", b"'descr': '<f4'", b"'descr': '|O'", b"'descr': '<U99999999'",
    b"'fortran_order': True", b"'shape': (4,)",
       b"'shape': (9999999999,)", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"header.npy", b"'descr': '<i8'",
       b"(", b")")  # fmt: skip
PARSERS = (
    Parser("model", of_file(load_model, "weights.safetensors"), _models, SAFE, repair_safetensors),
    Parser("checkpoint", of_file(_go_on, "checkpoint.safetensors"), _checkpoints, SAFE, repair_safetensors),
    Parser("error_bars", of_file(load_error_bars, "error-bars.safetensors"), _error_bars, SAFE, repair_safetensors),
    Parser("baselines", of_file(Baselines.load, "baselines.npz"), _baselines, NPY, repair_zip),
    Parser("scores", of_file(read_scores, "per_image.npz"), _scores, NPY, repair_zip),
)  # fmt: skip
