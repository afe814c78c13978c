"""The stage that trains an autoencoder, with everything around it: its lock, its MLflow child run, its checkpoint."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_pairs
from daecore.data.batch_source import Shape
from daecore.data.samples import Splits, as_float
from daecore.experiment.experiment import Experiment
from daecore.model.autoencoder import Autoencoder, Shapes, initialise
from daecore.model.stack import code_shape, encode
from daecore.plugin.extension import declared_value
from daecore.plugin.spec import ArchitectureSpec, CorruptionSpec, ObjectiveSpec, digest, spec
from daecore.training.checkpoint import tensors_digest
from daecore.training.loop import Epoch, fit
from daecore.training.options import TrainingOptions
from daecore.training.state import TrainingState
from daecore.training.world import World

from ..progress import show_progress
from ..store import tracking
from ..store.dataset_ref import DatasetRef
from ..store.device_lock import hold
from ..store.model_ref import ModelRef, TrainingSummary, load_network
from ..store.store import Store, current_store
from . import agenda
from .dataset import splits_of
from .epoch_log import SHOWN, SHOWN_AS, EpochLog, Preview
from .publish import find_published, publish
from .ranks import lead, processes_here
from .resuming import Checkpoint, discard, resumable
from .stage import DeviceRequest, device_of, stage

log = logging.getLogger("daecore.progress")


class TrainingRequest(DeviceRequest):
    """Train an autoencoder: on the dataset's samples, or on their clean codes by the networks below, the lowest first.

    With networks below, ``dataset`` is still that of the lowest one.
    """

    corruptions: tuple[CorruptionSpec, ...]
    architecture: ArchitectureSpec
    objective: ObjectiveSpec
    training: TrainingOptions
    seed: int
    below: tuple[ModelRef, ...] = ()

    @property
    def processes(self) -> int:
        """Those that share each batch."""
        return self.training.devices

    @property
    def title(self) -> str:
        """What it is called, as ``mnist erasure(p=0.5) conv #0``."""
        return f"{self.dataset.spec.name} {Corruptor(self.corruptions)} {self.architecture.name} #{self.seed}"


def training_request(
    experiment: Experiment, dataset: DatasetRef, *, control: bool = False, below: tuple[ModelRef, ...] = ()
) -> TrainingRequest:
    """Train the experiment's network; as ``control``, the same network without corruption, by plain reconstruction.

    Args:
        experiment: What is trained, and how.
        dataset: Its data, loaded.
        control: Leave the corruption and the objective's particulars out.
        below: Networks whose clean codes it is trained on, in place of the data; the lowest first.
    """
    corruptions = control_corruptions(experiment.corruptions, dataset.shape) if control else experiment.corruptions
    objective = _control_objective(experiment.objective) if control else experiment.objective
    device = device_of(experiment)
    training = experiment.training.model_dump(mode="json", exclude={"device", "precision", "threads"})
    inputs = {
        "dataset": dataset.sha256,
        "corruptions": [item.dump() for item in corruptions],
        "architecture": experiment.architecture.dump(),
        "objective": objective.dump(),
        "training": training,
        "seed": experiment.seed,
        **({"below": [[ref.architecture.dump(), ref.summary.weights_sha256] for ref in below]} if below else {}),
    }
    specs = [*corruptions, experiment.architecture, objective, *(ref.architecture for ref in below)]
    return TrainingRequest(
        key=train_autoencoder.key_of(inputs, specs, device),
        dataset=dataset,
        corruptions=corruptions,
        architecture=experiment.architecture,
        objective=objective,
        training=experiment.training,
        seed=experiment.seed,
        device=device,
        below=below,
    )


def _control_objective(objective: ObjectiveSpec) -> ObjectiveSpec:
    """What a control minimises: the cross-entropy where the objective is made of it, else the squared error."""
    bounded = declared_value(objective.extension.bounded, objective.options)
    return spec("objective", "cross_entropy" if bounded else "mse")


def control_corruptions(corruptions: tuple[CorruptionSpec, ...], shape: Shape) -> tuple[CorruptionSpec, ...]:
    """What of a chain remains without corruption: only what changes the shape, for the same network to fit."""
    kept = []
    for item in corruptions:
        change = item.extension.output_shape
        after = change(shape, item.options) if change else shape
        if after != shape:
            kept.append(item)
        shape = after
    return tuple(kept)


@stage(
    code=("daecore.training.loop", "daecore.model.autoencoder", "daecore.corruption.corruptor", "daecore.model.stack")
)
def train_autoencoder(request: TrainingRequest, parent: str, fresh: bool = False) -> ModelRef:
    """Train the autoencoder, in an MLflow child run of its own; see `train`."""
    with show_progress("training"):
        return train(request, current_store(), parent, fresh=fresh)


def train(request: TrainingRequest, store: Store, parent: str, *, fresh: bool = False) -> ModelRef:
    """Train, or go on training, or take the model another process has just trained under the same key.

    Args:
        request: What to train.
        store: Where checkpoints and artifacts lie.
        parent: The run this training is a child of, if it is new.
        fresh: Ignore what is there, checkpoint and finished model alike.
    """
    key = digest(request.key)
    with store.lock(f"training-{key}") as waited, hold(request.device, processes_here(request.processes)):
        run = tracking.training_run(key)
        if run is not None and (waited or not fresh):
            finished = find_published(run.data.tags, store)
            if finished is not None:
                log.info("trained already, by run %s", run.info.run_id)
                return finished
        if fresh and not waited:
            discard(store.files, store.checkpoint(key))
            run = None
        return _train(request, store, parent, run.info.run_id if run else "", key)


@dataclass(frozen=True)
class Begun:
    """A network with its first weights, and what lies below it."""

    model: Autoencoder
    shapes: Shapes
    below: list[nn.Module]


def begin_training(request: TrainingRequest, store: Store) -> Begun:
    """The network of a training, before its first step."""
    below = [load_network(ref, store).encoder for ref in request.below]
    clean = code_shape(request.dataset.shape, below)
    shapes = Shapes(clean, Corruptor(request.corruptions).output_shape(clean))
    return Begun(initialise(request.architecture, shapes, request.seed), shapes, below)


def _train(request: TrainingRequest, store: Store, parent: str, run_id: str, key: str) -> ModelRef:
    begun, path = begin_training(request, store), store.checkpoint(key)
    resume = resumable(store.files.bring_newer(path), begun.model, request.training)
    if run_id:
        tracking.proceed(run_id)
    else:
        run_id = _start_run(request, parent, key)
    with tracking.end_run(run_id), request.device.apply():
        given = (request.model_dump_json(), request.device.kind, request.processes)
        with (
            tracking.Outbox(run_id, store) as outbox,
            lead(*given, lambda: clean_splits(request, begun.below)) as (world, splits),
            tracking.system_metrics(run_id, outbox.put_metrics),
            _epoch_log(request, outbox, run_id) as diary,
            Checkpoint(store.files, path) as checkpoint,
        ):
            for epoch in train_epochs(request, begun, splits, resume, world):
                diary.add(epoch)
                if diary.due:
                    diary.write()  # before the checkpoint: killed in between, a training logs no step twice
                    checkpoint.save(epoch.state)
        few = as_float(splits.test[0].head(2))
        example = Corruptor(request.corruptions)(few, torch.Generator().manual_seed(0)).x
        summary = _summary(request, begun.model, run_id)
        ref = publish(
            begun.model.cpu(), request.architecture, begun.shapes, example, summary, run_id, request.dataset.value_range
        )
        checkpoint.remove()
        return ref


def _epoch_log(request: TrainingRequest, outbox: tracking.Outbox, run_id: str) -> EpochLog:
    """What is logged of this training; not what an earlier process has logged."""
    return EpochLog(outbox, _preview(request), tracking.history(run_id, "loss"), tracking.pictures(run_id, SHOWN_AS))


def _start_run(request: TrainingRequest, parent: str, key: str) -> str:
    """A new MLflow run for the training; its id."""
    name = f"train {request.architecture.name} on {Corruptor(request.corruptions)}"
    tags = {tracking.KEY: key, "stage": "train_autoencoder"}
    parameters = request.model_dump(mode="json", exclude={"key", "dataset", "device", "below"})
    parameters |= {"dataset_sha256": request.dataset.sha256, "device": request.device.model_dump()}
    parameters |= {"below": [ref.run_id for ref in request.below]} if request.below else {}
    return tracking.start_child(parent, name, tags, parameters)


def _preview(request: TrainingRequest) -> Preview:
    """The first test images as evaluation corrupts them, to be watched; none of points and of codes."""
    test = splits_of(request.dataset, request.device.kind).test[0]
    images = len(test.shape) == 3 and not request.below
    pairs = draw_pairs(test, Corruptor(request.corruptions), SHOWN) if images else None
    corrupted = None if pairs is None else pairs.asked(torch.arange(len(pairs)))
    return Preview(corrupted, request.training.epochs)


def clean_splits(request: TrainingRequest, below: list[nn.Module]) -> Splits:
    """What the training sees, where it computes: samples, or their codes by the encoders below; of the test two."""
    splits = splits_of(request.dataset, request.device.kind)
    encoders = [encoder.to(request.device.kind) for encoder in below]
    few = splits.test[0].select(torch.arange(2, device=request.device.kind))
    parts = (encode(samples, encoders) for samples in (splits.train, splits.validation, few))
    return Splits(next(parts), next(parts), (next(parts).to("cpu"),))


def train_epochs(
    request: TrainingRequest, begun: Begun, splits: Splits, resume: TrainingState | None, world: World
) -> Iterator[Epoch]:
    """The epochs of a training, each told of by the process that leads."""
    options = request.training.model_copy(update={"precision": request.device.precision})
    objective = request.objective.extension.function(request.objective.options, Corruptor(request.corruptions))
    if resume is not None:
        log.info("going on after epoch %d of %d", resume.epoch, options.epochs)
    planned = agenda.current()
    planned.begin()
    for epoch in fit(
        begun.model, objective, splits.train, options, seed=request.seed, validation=splits.validation, resume=resume,
        world=world,
    ):  # fmt: skip
        if world.leads:
            log.info(
                "epoch %d of %d: %s, loss %.5f, %.0f images/s",
                epoch.number, options.epochs, planned.format_remaining(epoch.number, options.epochs), epoch.loss,
                epoch.images_per_second,
                extra={"progress": ("train_autoencoder", epoch.number, options.epochs)},
            )  # fmt: skip
        yield epoch


def _summary(request: TrainingRequest, model: Autoencoder, run_id: str) -> TrainingSummary:
    history = tracking.history(run_id, "loss")
    seconds = sum(tracking.history(run_id, "epoch_seconds").values())
    return TrainingSummary(
        images_per_second=len(history) * request.dataset.sizes["train"] / seconds,
        seconds=seconds,
        precision=request.device.precision,
        device=request.device.kind,
        threads=request.device.threads,
        epochs=len(history),
        loss=history[max(history)],
        weights_sha256=tensors_digest(model.state_dict()),
    )
