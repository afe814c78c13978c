"""The stage that makes one network of trained layers, published in an MLflow run of its own, as a training's is."""

import logging

import torch

from daecore.data.samples import as_float
from daecore.experiment.experiment import Experiment
from daecore.model.autoencoder import Autoencoder, Shapes, initialise
from daecore.model.stack import unroll as give_weights
from daecore.plugin.spec import ArchitectureSpec, digest
from daecore.training.checkpoint import tensors_digest

from ..store import tracking
from ..store.dataset_ref import DatasetRef
from ..store.model_ref import ModelRef, TrainingSummary, load_network
from ..store.store import Store, current_store
from .dataset import splits_of
from .publish import find_published, publish
from .stage import Request, stage

log = logging.getLogger("daecore.progress")


class UnrollRequest(Request):
    """Make one network of layers that were trained one after the other, the lowest first."""

    dataset: DatasetRef
    architecture: ArchitectureSpec
    layers: tuple[ModelRef, ...]


def unroll_request(experiment: Experiment, dataset: DatasetRef, layers: tuple[ModelRef, ...]) -> UnrollRequest:
    """Make the experiment's network of its trained layers, the lowest first."""
    inputs = {
        "shape": dataset.shape,
        "architecture": experiment.architecture.dump(),
        "layers": [[ref.architecture.dump(), ref.summary.weights_sha256] for ref in layers],
    }
    specs = [experiment.architecture, *(ref.architecture for ref in layers)]
    key = unroll.key_of(inputs, specs)
    return UnrollRequest(key=key, dataset=dataset, architecture=experiment.architecture, layers=layers)


@stage(code=("daecore.model.stack", "daecore.model.autoencoder"))
def unroll(request: UnrollRequest, parent: str, fresh: bool = False) -> ModelRef:
    """Make the network, or take the one another process has just made under the same key.

    Args:
        request: What to make of which layers.
        parent: The run this one is a child of, if it is new.
        fresh: Ignore what is there.
    """
    key, store = digest(request.key), current_store()
    with store.lock(f"training-{key}") as waited:
        run = None if fresh and not waited else tracking.training_run(key)
        finished = find_published(run.data.tags, store) if run is not None else None
        if finished is not None:
            return finished
        if run is None:
            run_id = _start(request, key, parent)
        else:
            run_id = str(run.info.run_id)
            tracking.proceed(run_id)
        with tracking.end_run(run_id):
            return _make(request, run_id, store)


def _start(request: UnrollRequest, key: str, parent: str) -> str:
    parameters = {
        "architecture": request.architecture.dump(),
        "layers": [ref.run_id for ref in request.layers],
        "dataset_sha256": request.dataset.sha256,
    }
    tags = {tracking.KEY: key, "stage": "unroll"}
    return tracking.start_child(parent, f"unroll {request.architecture.name}", tags, parameters)


def _make(request: UnrollRequest, run_id: str, store: Store) -> ModelRef:
    whole, shapes = unrolled(request, store)
    _record(request, run_id)
    example = as_float(splits_of(request.dataset).test[0].select(torch.arange(2)).data)
    log.info("%d layers are one network", len(request.layers))
    summary = _summary(request, tensors_digest(whole.state_dict()))
    return publish(whole, request.architecture, shapes, example, summary, run_id, request.dataset.value_range)


def unrolled(request: UnrollRequest, store: Store) -> tuple[Autoencoder, Shapes]:
    """The network of layers that lie in the store, and what it maps between; nothing is written."""
    shapes = Shapes(request.dataset.shape, request.dataset.shape)
    whole = initialise(request.architecture, shapes, 0).eval()
    give_weights(whole, [load_network(ref, store) for ref in request.layers])
    return whole, shapes


def _record(request: UnrollRequest, run_id: str) -> None:
    """The layers' losses one after the other, as the epochs of one training; none is logged twice."""
    known, before = set(tracking.history(run_id, "loss")), 0
    for number, ref in enumerate(request.layers, start=1):
        loss, held_out = (tracking.history(ref.run_id, name) for name in ("loss", "validation_loss"))
        for epoch in sorted(loss):
            said = {"loss": loss[epoch], "layer": number}
            said |= {"validation_loss": held_out[epoch]} if epoch in held_out else {}
            if before + epoch not in known:
                tracking.log_metrics(run_id, said, before + epoch)
        before += max(loss, default=0)


def _summary(request: UnrollRequest, weights_sha256: str) -> TrainingSummary:
    """What all layers took together; precision, device and loss are the last one's."""
    parts = [ref.summary for ref in request.layers]
    epochs, seconds = sum(part.epochs for part in parts), sum(part.seconds for part in parts)
    speed = epochs * request.dataset.sizes["train"] / seconds
    together = {"epochs": epochs, "seconds": seconds, "images_per_second": speed, "weights_sha256": weights_sha256}
    return parts[-1].model_copy(update=together)
