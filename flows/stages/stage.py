"""One Prefect task per stage: a typed request in, a small record out, cached by the request's key."""

from pathlib import Path
from typing import Any, Self

from prefect import task

from daecore.device import Place, resolve_place
from daecore.experiment.experiment import Experiment
from daecore.plugin.spec import (
    digest,
)
from daecore.record import Record
from daecore.transfer.scores import Classified, TransferReport
from daecore.transfer.svm import KernelMachineReport

from ..progress import progress_shown
from ..store.dataset_ref import DatasetRef
from ..store.file_ref import FileRef
from ..store.final_report import Reported
from ..store.model_ref import ModelRef
from ..store.store import Store, current_store
from . import classifier as classifying
from . import dataset as datasets
from . import evaluation as judging
from . import report as reporting
from . import svm as calibrating
from . import training as learning
from . import transfer as transferring
from . import unroll as unrolling
from .baselines import RefereesRequest
from .classifier import ClassifierRequest
from .dataset import DatasetRequest
from .evaluation import Evaluated, EvaluationRequest
from .key import StageKey
from .report import Outcome
from .svm import MachineRequest
from .training import TrainingRequest
from .transfer import TransferRequest
from .unroll import UnrollRequest


class Request(Record):
    """What a stage is asked to do. `key` says what its answer depends on; the rest is told beside it."""

    key: StageKey


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


class Timed(Record):
    """How one stage went: its seconds, and whether it came from the cache."""

    stage: str
    seconds: float
    reused: bool


def place_of(experiment: Experiment) -> Place:
    """Where the experiment's stages compute; where the user names no threads, how many is left open."""
    training = experiment.training
    found = resolve_place(training.device, training.precision, training.threads)
    return found.model_copy(update={"threads": training.threads})


def _folder(request: Request, store: Store) -> Path:
    """Where a stage leaves its files: named by its key."""
    folder = store.results / f"{request.key.stage}-{digest(request.key)[:32]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _key(context: Any, parameters: dict[str, Any]) -> str:
    return digest(parameters["request"].key)


@task(cache_key_fn=_key, persist_result=True, result_serializer="json")
def load_dataset(request: DatasetRequest) -> DatasetRef:
    """Load the dataset, fetching it first if need be."""
    return datasets.load(request)


@task(cache_key_fn=_key, persist_result=True, result_serializer="json")
def train_autoencoder(request: TrainingRequest, experiment: str, parent: str, fresh: bool = False) -> ModelRef:
    """Train the autoencoder, in an MLflow child run of its own."""
    with progress_shown("training"):
        return learning.train(request, current_store(), experiment, parent, fresh=fresh)


@task(cache_key_fn=_key, persist_result=True, result_serializer="json")
def unroll(request: UnrollRequest, experiment: str, parent: str, fresh: bool = False) -> ModelRef:
    """Make one network of trained layers, in an MLflow child run of its own."""
    return unrolling.unroll(request, current_store(), experiment, parent, fresh=fresh)


@task(cache_key_fn=_key, persist_result=True, result_serializer="json")
def measure_referees(request: RefereesRequest) -> FileRef:
    """Restore the test images without a network, in every way we know."""
    return judging.measure_referees(request, current_store())


@task(cache_key_fn=_key, persist_result=True, result_serializer="json")
def evaluate_denoising(request: EvaluationRequest) -> Evaluated:
    """Restore the test images with the network, and judge it beside the referees."""
    return judging.evaluate_denoising(request, current_store())


@task(cache_key_fn=_key, persist_result=True, result_serializer="json")
def transfer(request: TransferRequest) -> TransferReport:
    """Train classifiers from the encoders and their controls."""
    with progress_shown("classifiers"):
        return transferring.transfer(request, current_store())


@task(cache_key_fn=_key, persist_result=True, result_serializer="json")
def train_classifier(request: ClassifierRequest) -> Classified:
    """Train one classifier, choose by validation, and judge it once."""
    return classifying.classify(request, current_store())


@task(cache_key_fn=_key, persist_result=True, result_serializer="json")
def judge_machine(request: MachineRequest) -> KernelMachineReport:
    """Choose a support vector machine by validation, and judge it once."""
    return calibrating.judge_machine(request)


@task(persist_result=False)
def report(outcome: Outcome) -> Reported:
    """Write metrics, pictures, tables and pages into this flow run's own MLflow run; never cached."""
    return reporting.report(outcome, current_store())
