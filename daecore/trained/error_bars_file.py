"""Fitted error bars from their file, and into one: thresholds, what they promise, and a network for them.

Knows a file of tensors. Does not know the store, nor the network whose restorations are bounded.
"""

from pathlib import Path
from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn

from daecore.errors import InputError, StoreError
from daecore.model.weights import misfit, non_finite
from daecore.training.checkpoint import Header, load_tensors, save_tensors, tensors_digest
from daecore.uncertainty.error_bars import ErrorBars
from daecore.uncertainty.error_network import ErrorNetwork
from daecore.uncertainty.estimator import DerivativeEstimator, LearnedEstimator
from daecore.uncertainty.report import ErrorBarsReport
from daecore.uncertainty.thresholds import GROUPS, Thresholds

NAME = "error-bars.safetensors"
THRESHOLDS = {"width": "thresholds/width", "threshold": "thresholds/threshold"}
NETWORK = "network/"
SAME_LEVEL = 1e-9


class ErrorBarsHeader(Header):
    """What stands beside the tensors.

    Attributes:
        weights_sha256: Of the network whose restorations are bounded: for another one they promise nothing.
        dataset: Of what pictures they were calibrated on, its name.
        corruptions: What had been done to those.
        sigma: Of the Gaussian noise, where bounds come from the network's derivative; else 0.
        channels: Of a picture.
        decibel_shift: What is added to a predicted PSNR, in dB.
        constant: Half of the one width that keeps the same promise.
        report: What was measured on unseen pictures.
    """

    what: ClassVar[str] = "error bars that daecore wrote"
    weights_sha256: str
    dataset: str
    corruptions: str
    sigma: float = Field(ge=0)
    channels: int = Field(ge=1, le=4096)
    decibel_shift: float
    constant: float
    report: ErrorBarsReport


def save_error_bars(path: Path, bars: ErrorBars, header: ErrorBarsHeader) -> None:
    """Write fitted error bars, whole or not at all."""
    tensors: dict[str, Tensor] = {key: getattr(bars.thresholds, name) for name, key in THRESHOLDS.items()}
    if isinstance(bars.estimator, LearnedEstimator):
        tensors |= {f"{NETWORK}{name}": value for name, value in bars.estimator.network.state_dict().items()}
    save_tensors(path, tensors, header)


def load_error_bars(path: Path) -> tuple[ErrorBars, ErrorBarsHeader]:
    """Read fitted error bars, on the CPU.

    Raises:
        StoreError: The file is missing, damaged or of another kind.
    """
    tensors, header = load_tensors(path, ErrorBarsHeader)
    try:
        thresholds = Thresholds(**{name: tensors.pop(key) for name, key in THRESHOLDS.items()})
    except KeyError as error:
        raise StoreError(f"{path} is not {ErrorBarsHeader.what}: it has no tensor {error}.") from None
    parts = (thresholds.width, thresholds.threshold)
    if any(part.shape != (2, GROUPS) or not part.isfinite().all() for part in parts):
        raise StoreError(f"{path} is not {ErrorBarsHeader.what}: its thresholds are no finite (2, {GROUPS}).")
    report = header.report
    estimator: DerivativeEstimator | LearnedEstimator
    if report.method == "derivative":
        estimator = DerivativeEstimator(header.sigma)
    else:
        network = ErrorNetwork(header.channels)
        found = {name.removeprefix(NETWORK): value for name, value in tensors.items()}
        wrong = misfit(found, network.state_dict())
        broken = "" if wrong else non_finite(found, network.state_dict())
        if wrong or broken:
            said = wrong or f"{broken!r} holds NaN or infinity"
            raise StoreError(f"{path} is not {ErrorBarsHeader.what}: of its tensors {said}.")
        network.load_state_dict(found)
        estimator = LearnedEstimator(network.eval(), report.level)
    bars = ErrorBars(
        estimator, thresholds, report.level, header.decibel_shift, header.constant, report.calibrated_on
    )  # fmt: skip
    return bars, header


def bars_beside(weights: Path, level: float) -> Path:
    """The file of error bars that lies beside a file of weights.

    Raises:
        InputError: There is none.
    """
    path = weights.with_name(NAME)
    if not path.is_file():
        raise InputError(
            f"Bounds at {level:.0%} are calibrated on validation pictures, and a file of weights does not say which "
            f"these are. Name the run in its place, or put the run's {NAME} beside {weights.name}."
        )
    return path


def error_bars_of(path: Path, network: nn.Module, level: float) -> tuple[ErrorBars, ErrorBarsHeader]:
    """The error bars of a network at a level.

    Raises:
        InputError: They are another network's, or of another level.
        StoreError: The file is damaged or of another kind.
    """
    try:
        bars, header = load_error_bars(path)
    except StoreError as error:
        raise StoreError(
            f"{error} Copy the run's {NAME} again, or name the run in place of its weights: there they are fitted anew."
        ) from None
    if header.weights_sha256 != tensors_digest(network.state_dict()):
        raise InputError(
            f"{path} bounds what another network restores, and promises nothing for this one. Take the file of the "
            "same run."
        )
    if abs(bars.level - level) > SAME_LEVEL:
        raise InputError(
            f"{path} holds bounds at {bars.level:.0%}, and {level:.0%} was asked. Ask for a level of {bars.level:g}, "
            "or name the run, for which others can be fitted."
        )
    return bars, header
