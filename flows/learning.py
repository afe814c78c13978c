"""One training with everything around it: its lock, its MLflow child run, its checkpoint."""

import logging
import math
import time
from collections.abc import Iterator

import torch
from torch import nn

from daecore.autoencoder import Autoencoder, Shapes, initialised
from daecore.checkpoint import save_progress, tensors_digest
from daecore.corruption import Corruptor
from daecore.errors import StoreError
from daecore.progress import Progress
from daecore.samples import Splits, as_float
from daecore.spec import digest
from daecore.stack import code_shape, encode
from daecore.training import Epoch, fit

from . import agenda, tracking
from .datasets import splits_of
from .devices import held
from .models import load_model
from .preview import Preview
from .publishing import publish, published
from .records import ModelRef, TrainingRequest, TrainingSummary
from .resuming import discard, resumable
from .store import Store

log = logging.getLogger("daecore.progress")
WRITE_SECONDS = 1.0  # between metrics and checkpoints: a short epoch takes no longer than to write them


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
    with store.lock(f"training-{key}") as waited, held(request.place):
        run = tracking.training_run(key)
        if run is not None and (waited or not fresh):
            finished = published(run.data.tags, store)
            if finished is not None:
                log.info("trained already, by run %s", run.info.run_id)
                return finished
        if fresh and not waited:
            discard(store.checkpoint(key))
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
    resume = resumable(store.checkpoint(key), model, request.training)
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
        with tracking.system_metrics(run_id), _Diary(run_id, Preview.of(request)) as diary:
            for epoch in _epochs(request, model, splits, resume):
                diary.add(epoch)
                if diary.due:
                    diary.write()  # before the checkpoint: killed in between, a training logs no step twice
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
    planned = agenda.current()
    planned.begin()
    for epoch in fit(
        model, objective, splits.train, options, seed=request.seed, validation=splits.validation, resume=resume
    ):
        log.info(
            "epoch %d of %d: %s, loss %.5f, %.0f images/s",
            epoch.number, options.epochs, planned.told(epoch.number, options.epochs), epoch.loss,
            epoch.images_per_second,
            extra={"progress": ("train_autoencoder", epoch.number, options.epochs)},
        )  # fmt: skip
        yield epoch


class _Diary:
    """What is logged of the epochs: at once where they take long, a second's worth together where they are short."""

    def __init__(self, run_id: str, preview: Preview) -> None:
        self.run_id, self.preview = run_id, preview
        self.known = set(tracking.history(run_id, "loss"))
        self.pending: dict[int, dict[str, float]] = {}
        self.written = -math.inf

    def __enter__(self) -> "_Diary":
        return self

    def __exit__(self, *error: object) -> None:
        self.write()

    @property
    def due(self) -> bool:
        """Whether it is time to write; after the first epoch it always is."""
        return time.monotonic() - self.written > WRITE_SECONDS

    def add(self, epoch: Epoch) -> None:
        """Note an epoch, unless it was logged before the training was resumed."""
        if epoch.number in self.known:
            return
        metrics = {"loss": epoch.loss, "epoch_seconds": epoch.seconds, "images_per_second": epoch.images_per_second}
        if epoch.validation_loss is not None:
            metrics["validation_loss"] = epoch.validation_loss
        if self.preview.shows(epoch.number):
            tracking.log_picture(self.run_id, self.preview.restored(epoch.model), "restored", epoch.number)
        self.pending[epoch.number] = metrics

    def write(self) -> None:
        """Log what was noted."""
        tracking.log_history(self.run_id, self.pending)
        self.pending, self.written = {}, time.monotonic()


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
