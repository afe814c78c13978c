"""The stage that gives a network's restorations error bars: trained, calibrated on validation, measured on test."""

from dataclasses import dataclass

import torch
from matplotlib.figure import Figure

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_pairs, enlarge
from daecore.data.samples import Pairs, Samples, as_float
from daecore.experiment.experiment import Experiment
from daecore.model.autoencoder import Autoencoder
from daecore.plots import figures
from daecore.plugin.spec import CorruptionSpec, digest
from daecore.record import Record
from daecore.trained.error_bars_file import NAME, ErrorBarsHeader, save_error_bars
from daecore.uncertainty.error_bars import ErrorBars, choose_estimator, fit_error_bars
from daecore.uncertainty.estimator import DerivativeEstimator
from daecore.uncertainty.options import ErrorBarsOptions
from daecore.uncertainty.report import ErrorBarsReport, measure_error_bars

from ..store.dataset_ref import DatasetRef
from ..store.device_lock import hold
from ..store.file_ref import FileRef, file_ref
from ..store.files import write_atomically
from ..store.model_ref import ModelRef, load_network
from ..store.store import Store, current_store
from .dataset import splits_of
from .stage import DeviceRequest, device_of, stage

PICTURES = 2000  # test pictures of the first group, spread evenly over it
SHOWN = 12
PANEL = "error-bars.png"
FEWEST_EXAMPLES = 5000  # a small network learns little from fewer


class ErrorBarsRequest(DeviceRequest):
    """Give a network's restorations error bars."""

    corruptions: tuple[CorruptionSpec, ...]
    model: ModelRef
    level: float
    examples: int
    seed: int


@dataclass(frozen=True)
class Calibrated:
    """Error bars with what they were measured on.

    Attributes:
        model: Whose restorations they bound.
        bars: They.
        sigma: Of the noise whose derivative they come from; 0 where they come from a network.
        pairs: The test pairs.
        report: What they are worth.
    """

    model: Autoencoder
    bars: ErrorBars
    sigma: float
    pairs: Pairs
    report: ErrorBarsReport


class FittedErrorBars(Record):
    """What error bars are worth, the fitted thing as a file, and a picture of it."""

    report: ErrorBarsReport
    files: dict[str, FileRef]


def error_bars_request(
    experiment: Experiment, dataset: DatasetRef, model: ModelRef, options: ErrorBarsOptions
) -> ErrorBarsRequest:
    """Give the trained network's restorations error bars."""
    device = device_of(experiment)
    examples = round(options.training_share * experiment.training.epochs * dataset.sizes["train"])
    inputs = {
        "dataset": dataset.sha256,
        "corruptions": [item.dump() for item in experiment.corruptions],
        "weights": model.summary.weights_sha256,
        "architecture": experiment.architecture.dump(),
        "level": options.level,
        "examples": max(FEWEST_EXAMPLES, examples),
        "seed": experiment.seed,
    }
    return ErrorBarsRequest(
        key=fit_bars.key_of(inputs, [*experiment.corruptions, experiment.architecture], device),
        dataset=dataset,
        corruptions=experiment.corruptions,
        model=model,
        level=options.level,
        examples=max(FEWEST_EXAMPLES, examples),
        seed=experiment.seed,
        device=device,
    )


@stage(code=("daecore.uncertainty.error_bars", "daecore.uncertainty.report", "daecore.plots.figures"))
def fit_bars(request: ErrorBarsRequest) -> FittedErrorBars:
    """Teach what the network may be wrong by, calibrate it on validation pictures, measure it on test pictures."""
    store = current_store()
    found = calibrate_bars(request, store)
    with hold(request.device), request.device.apply():
        panel = _panel(found)
    with store.lock(f"error-bars-{digest(request.key)}"):
        save_error_bars(request.folder / NAME, found.bars, _header(request, found))
        write_atomically(request.folder / PANEL, figures.png(panel))
        files = {name: file_ref(store, request.folder / name) for name in (NAME, PANEL)}
    return FittedErrorBars(report=found.report, files=files)


def calibrate_bars(request: ErrorBarsRequest, store: Store) -> Calibrated:
    """The same; nothing is written.

    Args:
        request: What to bound.
        store: Where the network lies.
    """
    device, corruptor = request.device, Corruptor(request.corruptions)
    model = load_network(request.model, store).to(device.kind)
    splits = splits_of(request.dataset, device.kind)
    group = splits.test[0]
    index = torch.linspace(0, len(group) - 1, min(PICTURES, len(group))).long().to(group.device)
    with hold(device), device.apply():
        estimator = choose_estimator(
            model, corruptor, splits.train, level=request.level, examples=request.examples, seed=request.seed,
            precision=device.precision,
        )  # fmt: skip
        bars = fit_error_bars(model, estimator, draw_pairs(splits.validation, corruptor), request.level)
        whole = draw_pairs(group, corruptor)
        pairs = Pairs(group.select(index), whole.asked(index))
        report = measure_error_bars(model, bars, pairs)
    sigma = estimator.sigma if isinstance(estimator, DerivativeEstimator) else 0.0
    return Calibrated(model, bars, sigma, pairs, report)


def _header(request: ErrorBarsRequest, found: Calibrated) -> ErrorBarsHeader:
    return ErrorBarsHeader(
        weights_sha256=request.model.summary.weights_sha256,
        dataset=request.dataset.spec.name,
        corruptions=str(Corruptor(request.corruptions)),
        sigma=found.sigma,
        channels=request.dataset.shape[0],
        decibel_shift=found.bars.decibel_shift,
        constant=found.bars.constant,
        report=found.report,
    )


def _panel(found: Calibrated) -> Figure:
    """The first pictures with their bounds."""
    pairs = found.pairs
    clean = Samples(pairs.clean.head(SHOWN))
    said = found.bars(found.model, pairs.asked(torch.arange(len(clean))))
    rows = {
        "original": as_float(clean.data),
        "corrupted": enlarge(pairs.corrupted[:SHOWN], clean.shape),
        "restored": said.restored,
        "lower bound": said.lower,
        "upper bound": said.upper,
        "width": said.upper - said.lower,
    }
    return figures.panel({name: row.cpu() for name, row in rows.items()})
