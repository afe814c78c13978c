"""The stage that evaluates a network beside the baselines, with its pictures."""

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_pairs, enlarge
from daecore.data.arrays import save_arrays
from daecore.data.samples import Pairs, Samples, Splits, as_float
from daecore.evaluation.baselines import Baselines
from daecore.evaluation.denoising import DenoisingReport, Evaluation, evaluate
from daecore.experiment.experiment import Experiment
from daecore.model.autoencoder import Autoencoder
from daecore.model.restore import restore
from daecore.plots import figures
from daecore.plugin.spec import CorruptionSpec, MetricSpec, digest
from daecore.record import Record

from ..store.dataset_ref import DatasetRef
from ..store.device_lock import hold
from ..store.file_ref import FileRef, file_ref
from ..store.files import write_atomically
from ..store.model_ref import ModelRef, load_network
from ..store.store import Store, current_store
from .baselines import baselines_request
from .dataset import splits_of
from .stage import DeviceRequest, device_of, stage

SHOWN = 12  # images in the panel: as many as the lecture shows in a row


class EvaluationRequest(DeviceRequest):
    """Evaluate a network on the dataset's pairs."""

    corruptions: tuple[CorruptionSpec, ...]
    model: ModelRef
    baselines: FileRef
    metrics: tuple[MetricSpec, ...] = ()


class Evaluated(Record):
    """A restoration report with its files: ``per_image.npz``, the panel, the histogram.

    Two evaluations with one digest were made on the same pairs and may be compared image by image.
    """

    report: DenoisingReport
    digest: str
    files: dict[str, FileRef]


def evaluation_request(
    experiment: Experiment, dataset: DatasetRef, model: ModelRef, baselines: FileRef
) -> EvaluationRequest:
    """Evaluate the trained network beside the baselines."""
    device = device_of(experiment)
    inputs = {
        "dataset": dataset.sha256,
        "corruptions": [item.dump() for item in experiment.corruptions],
        "weights": model.summary.weights_sha256,
        "architecture": experiment.architecture.dump(),
        "baselines": digest(baselines_request(experiment, dataset).key),
        "metrics": [item.dump() for item in experiment.metrics],
    }
    specs = [*experiment.corruptions, experiment.architecture, *experiment.metrics]
    return EvaluationRequest(
        key=evaluate_denoising.key_of(inputs, specs, device),
        dataset=dataset,
        corruptions=experiment.corruptions,
        model=model,
        baselines=baselines,
        metrics=experiment.metrics,
        device=device,
    )


@dataclass(frozen=True)
class Restored:
    """An evaluation with what it was made of; of the pairs the first group."""

    evaluation: Evaluation
    model: Autoencoder
    splits: Splits
    pairs: Pairs
    baselines: Baselines


@stage(code=("daecore.evaluation.denoising", "daecore.plots.figures"))
def evaluate_denoising(request: EvaluationRequest) -> Evaluated:
    """Restore the test images with the network, and evaluate it beside the baselines."""
    store, folder = current_store(), request.folder
    found = restore_pairs(request, store)
    evaluated, pictures = found.evaluation, _pictures(found)
    with store.lock(f"evaluation-{digest(request.key)}"):
        save_arrays(folder / "per_image.npz", {"digest": np.array(evaluated.digest), **evaluated.scores})
        for name, picture in pictures.items():
            write_atomically(folder / name, figures.png(picture))
        files = {name: file_ref(store, folder / name) for name in ("per_image.npz", *pictures)}
    return Evaluated(report=evaluated.report, digest=evaluated.digest, files=files)


def restore_pairs(request: EvaluationRequest, store: Store) -> Restored:
    """Restore the dataset's test pairs and evaluate what comes of it; nothing is written.

    Args:
        request: What to evaluate.
        store: Where the network and the baselines lie.
    """
    device, corruptor = request.device, Corruptor(request.corruptions)
    model = load_network(request.model, store).to(device.kind)
    baselines = Baselines.load(request.baselines.absolute(store))
    splits = splits_of(request.dataset, device.kind)
    with hold(device), device.apply():
        pairs = [draw_pairs(group, corruptor) for group in splits.test]
        evaluated = evaluate(model, pairs, baselines, request.metrics, precision=device.precision)
    return Restored(evaluated, model, splits, pairs[0], baselines)


def _pictures(found: Restored) -> dict[str, Figure]:
    """What one looks at, by file name: images have rows and a histogram, points have arrows."""
    shape, scores = found.splits.train.shape, found.evaluation.scores
    if len(shape) == 3:
        decibels = {"corrupted": scores["corrupted_db"], "restored": scores["psnr_db"]}
        panel = figures.panel(_rows(found.model, found.baselines, found.pairs))
        return {"panel.png": panel, "psnr_histogram.png": figures.psnr_histogram(decibels)}
    return {"panel.png": _arrows(found.model, found.splits.train, found.pairs)} if shape == (2,) else {}


def _rows(model: torch.nn.Module, baselines: Baselines, pairs: Pairs) -> dict[str, Tensor]:
    """The panel's rows; always the same test images, the first ones."""
    clean = Samples(pairs.clean.head(SHOWN).cpu())
    few = Pairs(clean, pairs.corrupted[:SHOWN].cpu())
    best = baselines.best
    where = next(model.parameters()).device
    return {
        "original": as_float(clean.data),
        "corrupted": enlarge(few.corrupted, clean.shape),
        f"best baseline: {best.name}": baselines.restore(best.name, few.corrupted, clean.shape),
        "restored": restore(model, few.corrupted.to(where)).cpu(),
    }


def _arrows(model: torch.nn.Module, train: Samples, pairs: Pairs) -> Figure:
    x = pairs.asked(torch.arange(min(400, len(pairs))))
    return figures.arrows(x.cpu(), restore(model, x).cpu(), train.head(2000).cpu())
