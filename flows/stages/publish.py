"""A trained network as an artifact: its weights with their spec, its MLflow model, and the tag by which it is found."""

import logging
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from daecore.data.value_range import ValueRange
from daecore.errors import StoreError
from daecore.experiment.provenance import provenance
from daecore.model.autoencoder import Autoencoder, Shapes
from daecore.plugin.spec import ArchitectureSpec
from daecore.trained.model_file import ModelHeader
from daecore.training.checkpoint import save_tensors

from ..store import tracking
from ..store.file_ref import FileRef
from ..store.model_ref import ModelRef, TrainingSummary
from ..store.store import Store

WEIGHTS = "weights.safetensors"

log = logging.getLogger("daecore.progress")


def publish(
    model: Autoencoder,
    architecture: ArchitectureSpec,
    shapes: Shapes,
    example: Tensor,
    summary: TrainingSummary,
    run_id: str,
    value_range: ValueRange | None,
) -> ModelRef:
    """Log weights, spec and the MLflow model; then say so in a tag, by which others find it.

    Args:
        model: The network, on the CPU, in eval mode.
        architecture: What builds it.
        shapes: What it maps between.
        example: Two samples as it takes them, for the MLflow model's signature.
        summary: How it was trained.
        run_id: Whose network it is.
        value_range: Which numbers of files are 0 and 1 to it; see `ModelHeader`.
    """
    weights = _log_weights(model, architecture, shapes, run_id, value_range)
    model.to(memory_format=torch.contiguous_format)
    logged = tracking.log_network(run_id, architecture.name, model, example)
    ref = ModelRef(
        run_id=run_id,
        weights=weights,
        architecture=architecture,
        input_shape=shapes.corrupted,
        output_shape=shapes.clean,
        summary=summary,
    )
    tracking.tag(run_id, {tracking.LOGGED: logged, tracking.MODEL: ref.model_dump_json()})
    return ref


def _log_weights(
    model: Autoencoder, architecture: ArchitectureSpec, shapes: Shapes, run_id: str, value_range: ValueRange | None
) -> FileRef:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WEIGHTS
        save_network(path, model, architecture, shapes, value_range)
        return tracking.log_with_reference(run_id, path, "model")


def save_network(
    path: Path,
    model: Autoencoder,
    architecture: ArchitectureSpec,
    shapes: Shapes,
    value_range: ValueRange | None = None,
) -> None:
    """Write a network's weights, with all that is needed to build it again."""
    header = ModelHeader(
        architecture=architecture.dump(),
        input_shape=shapes.corrupted,
        output_shape=shapes.clean,
        plugins=provenance([architecture]),
        value_range=value_range,
    )
    save_tensors(path, model.state_dict(), header)


def find_published(tags: dict[str, str], store: Store) -> ModelRef | None:
    """The finished model of a run, if what its tag says can be read and its file is intact."""
    if tracking.MODEL not in tags:
        return None
    try:
        ref = ModelRef.of(tags[tracking.MODEL], "A run of this training")
    except StoreError as error:
        log.warning("%s The network is made anew.", error)
        return None
    return ref if ref.weights.intact(store) else None
