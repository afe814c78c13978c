"""One Prefect task per stage: a typed request in, a small record out, cached by the request's key."""

from typing import Any

from prefect import task

from daecore.kernel_machine import KernelMachineReport
from daecore.scores import TransferReport
from daecore.spec import digest

from . import calibrating, classifying, datasets, judging, learning, reporting, transferring
from .artifacts import progress_shown
from .records import (
    Classified,
    ClassifierRequest,
    DatasetRef,
    DatasetRequest,
    Evaluated,
    EvaluationRequest,
    FileRef,
    MachineRequest,
    ModelRef,
    RefereesRequest,
    Reported,
    TrainingRequest,
    TransferRequest,
    UnrollRequest,
)
from .reporting import Outcome
from .stacking import unrolling
from .store import current_store


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
