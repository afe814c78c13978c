"""The stage that trains one classifier, from a stored encoder or from first weights; validation chooses."""

import logging
import time

from torch import nn

from daecore.corruption.corruptor import Corruptor
from daecore.experiment.experiment import Experiment
from daecore.model.autoencoder import Shapes, initialise
from daecore.plugin.spec import ArchitectureSpec
from daecore.record import Record
from daecore.transfer.encoder import PretrainedEncoder
from daecore.transfer.finetuning import weights_digest
from daecore.transfer.scores import Classified
from daecore.transfer.task import ClassifierOptions, Method, Task

from ..store.dataset_ref import DatasetRef
from ..store.device_lock import hold
from ..store.model_ref import ModelRef, load_network
from ..store.store import Store, current_store
from .dataset import splits_of
from .stage import DeviceRequest, device_of, stage

log = logging.getLogger("daecore.progress")


class ClassifierAsk(Record):
    """Which classifier is wanted of an encoder.

    Attributes:
        method: How the encoder becomes a classifier.
        options: How it is trained; of several rates validation chooses one.
        labels: How many there are; 0: the whole training set.
        draw: Which draw of labels; -1 is the one that chooses and is not told.
    """

    method: Method
    options: ClassifierOptions
    labels: int
    draw: int


class ClassifierRequest(DeviceRequest):
    """Train one classifier, from a trained encoder or, where that is None, from first weights of the draw's own."""

    encoder: ModelRef | None
    architecture: ArchitectureSpec
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    ask: ClassifierAsk
    seed: int


def classifier_request(
    experiment: Experiment, dataset: DatasetRef, encoder: ModelRef | None, ask: ClassifierAsk
) -> ClassifierRequest:
    """Train one classifier from a trained network's encoder, or from the first weights of the experiment's network."""
    device = device_of(experiment)
    clean = dataset.shape
    shapes = (Corruptor(experiment.corruptions).output_shape(clean), clean)
    if encoder is not None:
        shapes = (encoder.input_shape, encoder.output_shape)
    architecture = experiment.architecture if encoder is None else encoder.architecture
    inputs = {
        "dataset": dataset.sha256,
        "weights": None if encoder is None else encoder.summary.weights_sha256,
        "architecture": architecture.dump(),
        "shapes": shapes,
        "ask": ask.model_dump(mode="json"),
        "seed": experiment.seed,
    }
    return ClassifierRequest(
        key=train_classifier.key_of(inputs, [architecture, *ask.options.augment], device),
        dataset=dataset,
        encoder=encoder,
        architecture=architecture,
        input_shape=shapes[0],
        output_shape=shapes[1],
        ask=ask,
        seed=experiment.seed,
        device=device,
    )


@stage(code=("daecore.transfer.encoder", "daecore.model.autoencoder"))
def train_classifier(request: ClassifierRequest) -> Classified:
    """Train the classifier of each rate, keep the one that validation prefers, and evaluate that one."""
    ask, device, store = request.ask, request.device, current_store()
    with hold(device), device.apply():
        began = time.perf_counter()  # who waits for the device is not training
        splits = splits_of(request.dataset, device.kind)
        task = Task(splits, ask.options, request.input_shape, request.seed, device.precision)
        encoder = PretrainedEncoder(lambda: _encoder(request, store), task)
        rates, validation_checks = ask.options.rates(ask.method), max(1, ask.options.validation_checks)
        fitted = encoder.fit(ask.method, ask.labels, ask.draw, rates, validation_checks=validation_checks)
        seconds, error = time.perf_counter() - began, fitted.test_error()
    log.info("%s with %s labels: %.2f %% wrong, %.1f s", ask.method, ask.labels or "all", error, seconds)
    votes = fitted.model is None
    return Classified(
        error_percent=error,
        validation_error_percent=fitted.validation_error,
        learning_rate=None if votes else fitted.choice,
        neighbours=round(fitted.choice) if votes else None,
        epoch=fitted.check.epoch,
        epochs=fitted.check.epochs,
        seconds=seconds,
        weights_sha256=None if fitted.model is None else weights_digest(fitted.model),
    )


def _encoder(request: ClassifierRequest, store: Store) -> nn.Module:
    """The trained one, or one of first weights: another for each draw, so that intervals hold their luck too."""
    if request.encoder is not None:
        return load_network(request.encoder, store).encoder
    shapes = Shapes(request.output_shape, request.input_shape)
    return initialise(request.architecture, shapes, request.seed, "classifier", request.ask.draw).encoder
