"""What crosses a task boundary: small frozen records, never tensors."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from daecore.classifying import ClassifierOptions, Method
from daecore.corruption import Corruptor
from daecore.errors import StoreError
from daecore.evaluation import DenoisingReport
from daecore.place import Place
from daecore.spec import ArchitectureSpec, CorruptionSpec, DatasetSpec, ObjectiveSpec, explain
from daecore.training import TrainingOptions
from daecore.transfer import TransferOptions

from .store import Store, file_digest


class Record(BaseModel):
    """The base: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FileRef(Record):
    """A file in the store by relative path and content, so that a store can be moved."""

    path: str
    sha256: str

    def intact(self, store: Store) -> bool:
        """Whether the file is there and holds what was written."""
        return file_digest(store.root / self.path) == self.sha256

    def absolute(self, store: Store) -> Path:
        """Where it lies now."""
        return store.root / self.path


def file_ref(store: Store, path: Path) -> FileRef:
    """The reference to a file inside the store."""
    return FileRef(path=str(path.relative_to(store.root)), sha256=file_digest(path))


class StageKey(Record):
    """What a stage's result depends on; equal keys, equal results. Run ids are no part of it.

    The name is in it because two stages with equal inputs must keep two results.
    """

    stage: str
    code: str
    plugins: tuple[str, ...]
    inputs: str
    place: Place | None = None


class Request(Record):
    """What a stage is asked to do. `key` says what its answer depends on; the rest is told beside it."""

    key: StageKey


class DatasetRequest(Request):
    """Load a dataset; one of a user's files as they looked when this was asked."""

    data: DatasetSpec
    fingerprint: str = ""


class DatasetRef(Record):
    """A loaded dataset: how to load it again, and the digest of its tensors."""

    data: DatasetSpec
    sha256: str
    shape: tuple[int, ...]
    test_shapes: tuple[tuple[int, ...], ...]
    classes: int | None
    smallest_class: int
    sizes: dict[str, int]


class PlacedRequest(Request):
    """What is asked of a stage whose result depends on where it computes, to the last bit on the number of threads.

    No threads, 0: how many is decided just before it begins; the key then says nothing of them, either.
    """

    dataset: DatasetRef
    place: Place

    def with_threads(self, threads: int) -> Self:
        """The same, computed with so many."""
        place = self.place.model_copy(update={"threads": threads})
        return self.model_copy(update={"place": place, "key": self.key.model_copy(update={"place": place})})


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
    autoencoder: ArchitectureSpec
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


class TrainingRequest(PlacedRequest):
    """Train an autoencoder: on the dataset's samples, or on their clean codes by the networks below, the lowest first.

    With networks below, ``dataset`` is still that of the lowest one.
    """

    corruptions: tuple[CorruptionSpec, ...]
    autoencoder: ArchitectureSpec
    objective: ObjectiveSpec
    training: TrainingOptions
    seed: int
    below: tuple[ModelRef, ...] = ()

    @property
    def title(self) -> str:
        """What it is called, as ``mnist erasure(p=0.5) conv #0``."""
        return f"{self.dataset.data.name} {Corruptor(self.corruptions)} {self.autoencoder.name} #{self.seed}"


class UnrollRequest(Request):
    """Make one network of layers that were trained one after the other, the lowest first."""

    dataset: DatasetRef
    autoencoder: ArchitectureSpec
    layers: tuple[ModelRef, ...]


class RefereesRequest(Request):
    """Measure what needs no network on this dataset and corruption."""

    dataset: DatasetRef
    corruptions: tuple[CorruptionSpec, ...]


class EvaluationRequest(PlacedRequest):
    """Judge a network on the dataset's pairs."""

    corruptions: tuple[CorruptionSpec, ...]
    model: ModelRef
    referees: FileRef


class Evaluated(Record):
    """A restoration report with its files: ``per_image.npz``, the panel, the histogram.

    Two evaluations with one digest were made on the same pairs and may be compared image by image.
    """

    report: DenoisingReport
    digest: str
    files: dict[str, FileRef]


class TransferRequest(PlacedRequest):
    """Train classifiers from encoders."""

    denoising: ModelRef
    plain: ModelRef
    transfer: TransferOptions
    seed: int


class MachineRequest(Request):
    """Judge a support vector machine on the dataset."""

    dataset: DatasetRef


class ClassifierAsk(Record):
    """Which classifier is wanted of an encoder.

    Attributes:
        method: How the encoder becomes a classifier.
        options: How it is trained; of several rates validation chooses one.
        labels: The budget; 0: the whole training set.
        draw: Which draw of labels; -1 is the one that chooses and is not told.
    """

    method: Method
    options: ClassifierOptions
    labels: int
    draw: int


class ClassifierRequest(PlacedRequest):
    """Train one classifier, from a trained encoder or, where that is None, from first weights of the draw's own."""

    encoder: ModelRef | None
    autoencoder: ArchitectureSpec
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    ask: ClassifierAsk
    seed: int


class Classified(Record):
    """One classifier, chosen by validation and judged once.

    Attributes:
        error_percent: On the test set.
        validation_error_percent: On the part of the validation set that chose.
        learning_rate: The one that was chosen; None for a vote of the nearest codes.
        neighbours: How many of them vote; None for what was trained.
        epoch: The pass whose weights were kept, from 1; 0 for a vote.
        epochs: How many passes there were.
        seconds: What training and choosing took.
        weights_sha256: Of the network, or of the linear layer alone; None for a vote.
    """

    error_percent: float
    validation_error_percent: float
    learning_rate: float | None
    neighbours: int | None
    epoch: int
    epochs: int
    seconds: float
    weights_sha256: str | None


class Timed(Record):
    """How one stage went: its seconds, and whether it came from the cache."""

    stage: str
    seconds: float
    reused: bool


class Reported(Record):
    """The end of a run: where its report lies."""

    run_id: str
    report: FileRef


class FinalReport(Record):
    """What `--report` writes."""

    experiment: dict[str, Any]
    digest: str
    mlflow: dict[str, str]
    prefect: dict[str, str]
    dataset: dict[str, Any]
    denoising: DenoisingReport
    transfer: list[dict[str, Any]]
    differences: list[dict[str, Any]]
    training: TrainingSummary
    seconds: dict[str, float]
    reused: list[str]
    plugins: dict[str, str]
    files: dict[str, str]
