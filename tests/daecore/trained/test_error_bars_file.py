"""Error bars' file: what was fitted comes back, and what is no such file is refused in a paragraph."""

from pathlib import Path

import pytest
import torch

from daecore.errors import StoreError
from daecore.stats.intervals import Interval
from daecore.trained.error_bars_file import ErrorBarsHeader, load_error_bars, save_error_bars
from daecore.training.checkpoint import load_tensors, save_tensors
from daecore.uncertainty.error_bars import ErrorBars
from daecore.uncertainty.error_network import ErrorNetwork
from daecore.uncertainty.estimator import DerivativeEstimator, Estimator, LearnedEstimator
from daecore.uncertainty.report import ErrorBarsReport
from daecore.uncertainty.thresholds import Thresholds


def bars(estimator: Estimator) -> tuple[ErrorBars, ErrorBarsHeader]:
    learned = isinstance(estimator, LearnedEstimator)
    held = Interval(mean=0.95, low=0.9, high=1, n=10)
    report = ErrorBarsReport(
        method="learned" if learned else "derivative", level=0.9, calibrated_on=40, shape=(1, 8, 8), pictures=10,
        uncertain=0.3, coverage=None, certain_coverage=None, quintiles=(), width=0.2, constant_width=0.3,
        whole_width=0.1, whole_constant_width=0.2, whole_shorter=None, shorter=None,
        db_level=0.95, db_held=held, promised_db=20, restored_db=22,
    )  # fmt: skip
    header = ErrorBarsHeader(
        weights_sha256="0" * 64, dataset="digits", corruptions="erasure(p=0.5)", sigma=0.0 if learned else 0.3,
        channels=1, decibel_shift=-2.5, constant=0.4, report=report,
    )  # fmt: skip
    thresholds = Thresholds(torch.rand(2, 16).sort(1).values, torch.rand(2, 16))
    return ErrorBars(estimator, thresholds, 0.9, -2.5, 0.4, 40), header


@pytest.mark.parametrize("estimator", [DerivativeEstimator(0.3), LearnedEstimator(ErrorNetwork(1).eval(), 0.9)])
def test_what_was_fitted_comes_back(estimator: Estimator, tmp_path: Path) -> None:
    """Bit by bit: bounds of the same picture are the same."""
    fitted, header = bars(estimator)
    save_error_bars(tmp_path / "bars", fitted, header)
    found, said = load_error_bars(tmp_path / "bars")
    assert said == header
    x, model = torch.rand(2, 1, 8, 8), torch.nn.Conv2d(1, 1, 3, padding=1)
    one, two = fitted(model, x), found(model, x)
    assert torch.equal(one.lower, two.lower)
    assert torch.equal(one.upper, two.upper)
    assert torch.equal(fitted.promised_psnr(one.squared_error), found.promised_psnr(two.squared_error))


def test_another_file_is_refused(tmp_path: Path) -> None:
    """One without thresholds, one of another network's size, one with NaN, and what is no file of ours at all."""
    fitted, header = bars(LearnedEstimator(ErrorNetwork(1), 0.9))
    path = tmp_path / "bars"
    save_error_bars(path, fitted, header)
    tensors, _ = load_tensors(path, ErrorBarsHeader)
    for change, said in (
        ({"thresholds/width": None}, "has no tensor 'thresholds/width'"),
        ({"thresholds/width": torch.zeros(3)}, "its thresholds are no finite"),
        ({"thresholds/threshold": torch.full((2, 16), torch.inf)}, "its thresholds are no finite"),
        ({"network/last.bias": None}, "1 is missing"),
        ({"network/last.bias": torch.zeros(3)}, "of another shape or type"),
        ({"network/last.bias": torch.full_like(tensors["network/last.bias"], torch.nan)}, "NaN or infinity"),
    ):
        changed = {name: value for name, value in {**tensors, **change}.items() if value is not None}
        save_tensors(path, changed, header)
        with pytest.raises(StoreError, match=said):
            load_error_bars(path)
    path.write_bytes(b"no tensors")
    with pytest.raises(StoreError, match="cannot be read as safetensors"):
        load_error_bars(path)
