"""The stage that restores the test images without a network, in every way we know."""

from daecore.corruption.corruptor import Corruptor
from daecore.evaluation.baselines import Baselines, measure
from daecore.experiment.experiment import Experiment
from daecore.plugin.spec import CorruptionSpec, digest

from ..store.dataset_ref import DatasetRef
from ..store.device_lock import ONE_CORE, hold
from ..store.file_ref import FileRef, file_ref
from ..store.store import current_store
from .dataset import splits_of
from .stage import Request, stage


class BaselinesRequest(Request):
    """Measure what needs no network on this dataset and corruption."""

    dataset: DatasetRef
    corruptions: tuple[CorruptionSpec, ...]


def baselines_request(experiment: Experiment, dataset: DatasetRef) -> BaselinesRequest:
    """Measure the baselines on the experiment's dataset and corruption."""
    inputs = {"dataset": dataset.sha256, "corruptions": [item.dump() for item in experiment.corruptions]}
    key = measure_baselines.key_of(inputs, experiment.corruptions)
    return BaselinesRequest(key=key, dataset=dataset, corruptions=experiment.corruptions)


@stage(code=("daecore.evaluation.baselines",))
def measure_baselines(request: BaselinesRequest) -> FileRef:
    """Restore the test images without a network, in every way we know; scores and fitted map in one file."""
    store, path = current_store(), request.folder / "baselines.npz"
    with store.lock(f"baselines-{digest(request.key)}") as waited, hold(ONE_CORE):
        if not (waited and path.exists()):  # else another process has just measured them
            fit_baselines(request).save(path)
        return file_ref(store, path)


def fit_baselines(request: BaselinesRequest) -> Baselines:
    """The same, where one core is held already; nothing is written."""
    with ONE_CORE.apply():
        return measure(splits_of(request.dataset), Corruptor(request.corruptions))
