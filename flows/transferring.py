"""Classifiers from the encoders of trained networks: which encoders there are."""

import logging
from collections.abc import Callable, Mapping

from torch import nn

from daecore import transfer as classifiers
from daecore.autoencoder import Shapes, initialised
from daecore.scores import TransferReport, summarise

from .agenda import Agenda
from .datasets import splits_of
from .devices import held
from .learning import load_network
from .records import ModelRef, TransferRequest
from .store import Store

log = logging.getLogger("daecore.progress")


def transfer(request: TransferRequest, store: Store) -> TransferReport:
    """Train every classifier the request asks for, and sum up."""
    options, place = request.transfer, request.place
    splits, scores = splits_of(request.dataset, place.device), []
    total = len(options.labels) * options.seeds * len(classifiers.CELLS)
    with held(place), place.applied():
        classifying = Agenda()
        for score in classifiers.transfer(
            _encoders(request, store), splits, options,
            seed=request.seed, input_shape=request.denoising.input_shape, precision=place.precision,
        ):  # fmt: skip
            scores.append(score)
            log.info(
                "classifier %d of %d: %s with %d labels, %.2f %% wrong, %s",
                len(scores), total, score.initialisation, score.labels, score.error_percent,
                classifying.told(len(scores), total),
                extra={"progress": ("transfer", len(scores), total)},
            )  # fmt: skip
    return summarise(scores)


def _encoders(request: TransferRequest, store: Store) -> Mapping[str, Callable[[], nn.Module]]:
    """A fresh encoder per call; the untrained one has the weights that the autoencoders started from."""
    shapes = Shapes(request.denoising.output_shape, request.denoising.input_shape)

    def trained(model: ModelRef) -> Callable[[], nn.Module]:
        return lambda: load_network(model, store).encoder

    return {
        "untrained": lambda: initialised(request.denoising.autoencoder, shapes, request.seed).encoder,
        "autoencoder": trained(request.plain),
        "denoising": trained(request.denoising),
    }
