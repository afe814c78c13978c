"""The stage that trains classifiers from the encoders of trained networks, and says which encoders there are."""

import logging
from collections.abc import Callable, Mapping

from torch import nn

from daecore.experiment.experiment import Experiment
from daecore.model.autoencoder import Shapes, initialise
from daecore.transfer import transfer as classifiers
from daecore.transfer.scores import Score, TransferReport, summarise
from daecore.transfer.transfer import TransferOptions

from ..progress import show_progress
from ..store.dataset_ref import DatasetRef
from ..store.device_lock import hold
from ..store.model_ref import ModelRef, load_network
from ..store.store import Store, current_store
from .agenda import Agenda
from .dataset import splits_of
from .stage import DeviceRequest, device_of, stage

log = logging.getLogger("daecore.progress")


class TransferRequest(DeviceRequest):
    """Train classifiers from encoders."""

    denoising: ModelRef
    control: ModelRef
    transfer: TransferOptions
    seed: int


def transfer_request(
    experiment: Experiment, dataset: DatasetRef, denoising: ModelRef, control: ModelRef
) -> TransferRequest:
    """Train classifiers from the encoders; only for experiments with `transfer` on datasets with labels."""
    device, options = device_of(experiment), experiment.transfer or TransferOptions()
    inputs = {
        "dataset": dataset.sha256,
        "weights": [denoising.summary.weights_sha256, control.summary.weights_sha256],
        "architecture": experiment.architecture.dump(),
        "transfer": options.model_dump(mode="json"),
        "seed": experiment.seed,
    }
    return TransferRequest(
        key=transfer.key_of(inputs, [experiment.architecture, *options.augment], device),
        dataset=dataset,
        denoising=denoising,
        control=control,
        transfer=options,
        seed=experiment.seed,
        device=device,
    )


@stage(code=("daecore.transfer.transfer", "daecore.model.autoencoder"))
def transfer(request: TransferRequest) -> TransferReport:
    """Train classifiers from the encoders and their controls, and sum up."""
    with show_progress("classifiers"):
        return classify(request, current_store())


def classify(request: TransferRequest, store: Store) -> TransferReport:
    """The same, without a flow run that shows how far it is; the networks lie in the store."""
    return summarise(_scores(request, store))


def _scores(request: TransferRequest, store: Store) -> list[Score]:
    options, device = request.transfer, request.device
    splits, scores = splits_of(request.dataset, device.kind), []
    total = len(options.labels) * options.seeds * len(classifiers.CELLS)
    with hold(device), device.apply():
        classifying = Agenda()
        for score in classifiers.transfer(
            _encoders(request, store), splits, options,
            seed=request.seed, input_shape=request.denoising.input_shape, precision=device.precision,
        ):  # fmt: skip
            scores.append(score)
            log.info(
                "classifier %d of %d: %s with %d labels, %.2f %% wrong, %s",
                len(scores), total, score.initialisation, score.labels, score.error_percent,
                classifying.format_remaining(len(scores), total),
                extra={"progress": ("transfer", len(scores), total)},
            )  # fmt: skip
    return scores


def _encoders(request: TransferRequest, store: Store) -> Mapping[str, Callable[[], nn.Module]]:
    """A fresh encoder per call; the untrained one has the weights that the autoencoders started from."""
    shapes = Shapes(request.denoising.output_shape, request.denoising.input_shape)

    def load(model: ModelRef) -> Callable[[], nn.Module]:
        return lambda: load_network(model, store).encoder

    return {
        "untrained": lambda: initialise(request.denoising.architecture, shapes, request.seed).encoder,
        "autoencoder": load(request.control),
        "denoising": load(request.denoising),
    }
