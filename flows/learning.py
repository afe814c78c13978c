"""One training with everything around it: its lock, its MLflow child run, its checkpoint, its published model."""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from daecore.autoencoder import Autoencoder, Shapes, initialised
from daecore.checkpoint import load_progress, save_progress, save_tensors, tensors_digest
from daecore.corruption import Corruptor
from daecore.errors import CheckpointError, StoreError
from daecore.evaluation import restore
from daecore.pairs import draw_pairs
from daecore.progress import Progress
from daecore.samples import Splits, as_float
from daecore.spec import Spec, digest
from daecore.stack import code_shape, encode
from daecore.training import Epoch, fit

from . import tracking
from .datasets import splits_of
from .keys import provenance
from .models import load_model
from .records import ModelRef, TrainingRequest, TrainingSummary, file_ref
from .store import Store

log = logging.getLogger("daecore.progress")
SHOWN, WATCHED = 12, 20  # test images that are watched, and how often at most: a picture costs more than a short epoch


def train(request: TrainingRequest, store: Store, experiment: str, parent: str, *, fresh: bool = False) -> ModelRef:
    """Train, or go on training, or take the model another process has just trained under the same key.

    Args:
        request: What to train.
        store: Where checkpoints and artifacts lie.
        experiment: The MLflow experiment's id.
        parent: The run this training is a child of, if it is new.
        fresh: Ignore what is there, checkpoint and finished model alike.
    """
    key = digest(request.key)
    with store.lock(f"training-{key}") as waited, store.lock(f"device-{request.place.device}"):
        run = tracking.training_run(key)
        if run is not None and (waited or not fresh):
            finished = published(run.data.tags, store)
            if finished is not None:
                log.info("trained already, by run %s", run.info.run_id)
                return finished
        if fresh and not waited:
            store.checkpoint(key).unlink(missing_ok=True)
            run = None
        return _train(request, store, experiment, parent, run.info.run_id if run else "", key)


def load_network(model: ModelRef, store: Store) -> Autoencoder:
    """The trained network of a reference, on the CPU, in eval mode.

    Raises:
        StoreError: Its weights are gone or altered.
    """
    path = model.weights.absolute(store)
    if not model.weights.intact(store):
        raise StoreError(f"The model file {path} is gone or altered. `dae run ... --fresh` trains it anew.")
    return load_model(path)


def _train(request: TrainingRequest, store: Store, experiment: str, parent: str, run_id: str, key: str) -> ModelRef:
    below = [load_network(ref, store).encoder for ref in request.below]
    clean = code_shape(request.dataset.shape, below)
    shapes = Shapes(clean, Corruptor(request.corruptions).output_shape(clean))
    model = initialised(request.autoencoder, shapes, request.seed)
    resume = _resumable(store.checkpoint(key))
    if run_id:
        tracking.proceed(run_id)
    else:
        name = f"train {request.autoencoder.name} on {Corruptor(request.corruptions)}"
        tags = {tracking.KEY: key, "stage": "train_autoencoder"}
        parameters = request.model_dump(mode="json", exclude={"key", "dataset", "place", "below"})
        parameters |= {"dataset_sha256": request.dataset.sha256, "place": request.place.model_dump()}
        parameters |= {"below": [ref.run_id for ref in request.below]} if request.below else {}
        run_id = tracking.start(experiment, name, tags, parameters, parent)
    with tracking.ended(run_id), request.place.applied():
        splits = _clean(request, below)
        with tracking.system_metrics(run_id):
            known, preview = set(tracking.history(run_id, "loss")), _Preview.of(request)
            for epoch in _epochs(request, model, splits, resume):
                if epoch.number not in known:
                    _record(epoch, run_id, preview)
                save_progress(store.checkpoint(key), epoch.progress)
        few = as_float(splits.test[0].data)
        example = Corruptor(request.corruptions)(few, torch.Generator().manual_seed(0)).x
        summary = _summary(request, model, run_id)
        ref = publish(model.cpu(), request.autoencoder, shapes, example, summary, run_id, experiment, store)
        store.checkpoint(key).unlink(missing_ok=True)
        return ref


def _clean(request: TrainingRequest, below: list[nn.Module]) -> Splits:
    """What the training sees, where it computes: samples, or their codes by the encoders below; of the test two."""
    splits = splits_of(request.dataset, request.place.device)
    encoders = [encoder.to(request.place.device) for encoder in below]
    few = splits.test[0].select(torch.arange(2, device=request.place.device))
    parts = (encode(samples, encoders) for samples in (splits.train, splits.validation, few))
    return Splits(next(parts), next(parts), (next(parts).to("cpu"),))


def _epochs(request: TrainingRequest, model: Autoencoder, splits: Splits, resume: Progress | None) -> Iterator[Epoch]:
    options = request.training.model_copy(update={"precision": request.place.precision})
    objective = request.objective.extension.function(request.objective.options, Corruptor(request.corruptions))
    if resume is not None:
        log.info("going on after epoch %d of %d", resume.epoch, options.epochs)
    for epoch in fit(
        model, objective, splits.train, options, seed=request.seed, validation=splits.validation, resume=resume
    ):
        left = (options.epochs - epoch.number) * epoch.seconds
        log.info(
            "epoch %d of %d: loss %.5f, %.0f images/s, %.0f s left",
            epoch.number, options.epochs, epoch.loss, epoch.images_per_second, left,
            extra={"progress": ("train_autoencoder", epoch.number, options.epochs)},
        )  # fmt: skip
        yield epoch


def _record(epoch: Epoch, run_id: str, preview: "_Preview") -> None:
    """Log an epoch, before its checkpoint is written: a process killed in between logs no step twice on resuming."""
    metrics = {"loss": epoch.loss, "epoch_seconds": epoch.seconds, "images_per_second": epoch.images_per_second}
    if epoch.validation_loss is not None:
        metrics["validation_loss"] = epoch.validation_loss
    if preview.shows(epoch.number):
        tracking.log_picture(run_id, preview.restored(epoch.model), "restored", epoch.number)
    tracking.log_metrics(run_id, metrics, epoch.number)


@dataclass(frozen=True)
class _Preview:
    """The first test images as evaluation corrupts them, to be watched getting better; none for points and codes."""

    corrupted: Tensor | None
    epochs: int

    def shows(self, epoch: int) -> bool:
        """Whether this epoch is one of those, evenly spread, whose picture is kept."""
        step = WATCHED * epoch // self.epochs != WATCHED * (epoch - 1) // self.epochs
        return self.corrupted is not None and step

    @classmethod
    def of(cls, request: TrainingRequest) -> "_Preview":
        test = splits_of(request.dataset, request.place.device).test[0]
        images = len(test.shape) == 3 and not request.below
        return cls(
            draw_pairs(test, Corruptor(request.corruptions), SHOWN).corrupted if images else None,
            request.training.epochs,
        )

    def restored(self, model: nn.Module) -> NDArray[np.uint8]:
        """What the network makes of them now, side by side: ``(H, SHOWN * W, channels)``."""
        if self.corrupted is None:
            raise ValueError("there is no picture of points")
        images = restore(model, self.corrupted).clamp(0, 1).mul(255).round().to("cpu", torch.uint8)
        row = torch.cat(list(images), dim=2).permute(1, 2, 0).numpy()
        return row.squeeze(2) if row.shape[2] == 1 else row


def publish(
    model: Autoencoder,
    architecture: Spec,
    shapes: Shapes,
    example: Tensor,
    summary: TrainingSummary,
    run_id: str,
    experiment: str,
    store: Store,
) -> ModelRef:
    """Log weights, spec and the MLflow model; then say so in a tag, by which others find it.

    Args:
        model: The network, on the CPU, in eval mode.
        architecture: What builds it.
        shapes: What it maps between.
        example: Two samples as it takes them, for the MLflow model's signature.
        summary: How it was trained.
        run_id: Whose network it is.
        experiment: The MLflow experiment's id.
        store: Where it lies.
    """
    _log_weights(model, architecture, shapes, run_id)
    model.to(memory_format=torch.contiguous_format)
    logged = tracking.log_network(run_id, experiment, architecture.name, model, example)
    ref = ModelRef(
        run_id=run_id,
        weights=file_ref(store, tracking.artifact_path(run_id, "model/weights.safetensors")),
        autoencoder=architecture,
        input_shape=shapes.corrupted,
        output_shape=shapes.clean,
        summary=summary,
    )
    tracking.tag(run_id, {tracking.LOGGED: logged, tracking.MODEL: ref.model_dump_json()})
    return ref


def _log_weights(model: Autoencoder, architecture: Spec, shapes: Shapes, run_id: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        header = {
            "autoencoder": architecture.dump(),
            "input_shape": shapes.corrupted,
            "output_shape": shapes.clean,
            "plugins": provenance([architecture]),
        }
        save_tensors(path, model.state_dict(), header)
        tracking.log_file(run_id, path, "model")


def _summary(request: TrainingRequest, model: Autoencoder, run_id: str) -> TrainingSummary:
    history = tracking.history(run_id, "loss")
    seconds = sum(tracking.history(run_id, "epoch_seconds").values())
    return TrainingSummary(
        images_per_second=len(history) * request.dataset.sizes["train"] / seconds,
        seconds=seconds,
        precision=request.place.precision,
        device=request.place.device,
        threads=request.place.threads,
        epochs=len(history),
        loss=history[max(history)],
        weights_sha256=tensors_digest(model.state_dict()),
    )


def published(tags: dict[str, str], store: Store) -> ModelRef | None:
    """The finished model of a run, if its file is intact."""
    if tracking.MODEL not in tags:
        return None
    ref = ModelRef.model_validate_json(tags[tracking.MODEL])
    return ref if ref.weights.intact(store) else None


def _resumable(checkpoint: Path) -> Progress | None:
    """The progress to go on from; a damaged checkpoint is told and set aside, not trusted."""
    if not checkpoint.exists():
        return None
    try:
        return load_progress(checkpoint)
    except CheckpointError as error:
        log.warning("%s Training starts anew.", error)
        checkpoint.replace(checkpoint.with_suffix(".damaged"))
        return None
