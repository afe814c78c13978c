"""A trained network as it is kept: an MLflow run and a file of weights."""

from pathlib import Path

from pydantic import ValidationError

from daecore.errors import StoreError
from daecore.model.autoencoder import Autoencoder
from daecore.plugin.spec import ArchitectureSpec, explain
from daecore.record import Record
from daecore.trained.model_file import load_model

from .file_ref import FileRef
from .store import Store


class TrainingSummary(Record):
    """What a training took and gave."""

    images_per_second: float
    seconds: float
    precision: str
    device: str
    threads: int
    epochs: int
    loss: float
    weights_sha256: str


class ModelRef(Record):
    """A trained network: an MLflow run and a file of weights."""

    run_id: str
    weights: FileRef
    architecture: ArchitectureSpec
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    summary: TrainingSummary

    @classmethod
    def of(cls, tag: str, run: str) -> "ModelRef":
        """The network that a run's tag describes.

        Raises:
            StoreError: The tag was altered, or what builds the network is not installed.
        """
        try:
            return cls.model_validate_json(tag)
        except ValidationError as error:
            said = explain(error, "", first=True)
            raise StoreError(f"{run} does not say which network it trained: {said}.") from None


def load_network(model: ModelRef, store: Store) -> Autoencoder:
    """The trained network of a reference, on the CPU, in eval mode.

    Raises:
        StoreError: Its weights are gone or altered.
    """
    return load_model(weights_of(model, store))


def weights_of(model: ModelRef, store: Store) -> Path:
    """The file of its weights.

    Raises:
        StoreError: It is gone or altered.
    """
    path = model.weights.absolute(store)
    if not model.weights.intact(store):
        raise StoreError(f"The model file {path} is gone or altered. `dae run ... --fresh` trains it anew.")
    return path
