"""One classifier from a stored encoder or from first weights, chosen by validation and judged once."""

import logging
import time

from torch import nn

from daecore.autoencoder import Shapes, initialised
from daecore.classifying import Task
from daecore.finetuning import weights_digest
from daecore.initialisation import Initialisation

from .datasets import splits_of
from .devices import held
from .learning import load_network
from .records import Classified, ClassifierRequest
from .store import Store

log = logging.getLogger("daecore.progress")


def classify(request: ClassifierRequest, store: Store) -> Classified:
    """Train the classifier of each rate, keep the one that validation prefers, and judge that one."""
    ask, place = request.ask, request.place
    with held(place), place.applied():
        began = time.perf_counter()  # who waits for the device is not training
        splits = splits_of(request.dataset, place.device)
        task = Task(splits, ask.options, request.input_shape, request.seed, place.precision)
        initialisation = Initialisation(lambda: _encoder(request, store), task)
        rates, looks = ask.options.rates(ask.method), max(1, ask.options.looks)
        fitted = initialisation.fitted(ask.method, ask.labels, ask.draw, rates, looks=looks)
        seconds, error = time.perf_counter() - began, fitted.test_error()
    log.info("%s with %s labels: %.2f %% wrong, %.1f s", ask.method, ask.labels or "all", error, seconds)
    votes = fitted.model is None
    return Classified(
        error_percent=error,
        validation_error_percent=fitted.validation_error,
        learning_rate=None if votes else fitted.choice,
        neighbours=round(fitted.choice) if votes else None,
        epoch=fitted.look.epoch,
        epochs=fitted.look.epochs,
        seconds=seconds,
        weights_sha256=None if fitted.model is None else weights_digest(fitted.model),
    )


def _encoder(request: ClassifierRequest, store: Store) -> nn.Module:
    """The trained one, or one of first weights: another for each draw, so that intervals hold their luck too."""
    if request.encoder is not None:
        return load_network(request.encoder, store).encoder
    shapes = Shapes(request.output_shape, request.input_shape)
    return initialised(request.autoencoder, shapes, request.seed, "classifier", request.ask.draw).encoder
