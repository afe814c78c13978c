"""The stage that restores the test images without a network, in every way we know."""

from daecore.corruption.corruptor import Corruptor
from daecore.evaluation.baselines import measure
from daecore.experiment.experiment import Experiment
from daecore.plugin.spec import CorruptionSpec, digest

from ..store.dataset_ref import DatasetRef
from ..store.device_lock import ONE_CORE, held
from ..store.file_ref import FileRef, file_ref
from ..store.store import Store
from .dataset import splits_of
from .key import stage_key
from .stage import Request, _folder


class RefereesRequest(Request):
    """Measure what needs no network on this dataset and corruption."""

    dataset: DatasetRef
    corruptions: tuple[CorruptionSpec, ...]


def referees_request(experiment: Experiment, dataset: DatasetRef) -> RefereesRequest:
    """Measure the referees on the experiment's dataset and corruption."""
    inputs = {"dataset": dataset.sha256, "corruptions": [item.dump() for item in experiment.corruptions]}
    key = stage_key("measure_referees", inputs, experiment.corruptions)
    return RefereesRequest(key=key, dataset=dataset, corruptions=experiment.corruptions)


def measure_referees(request: RefereesRequest, store: Store) -> FileRef:
    """Measure the referees and keep them, scores and fitted map, in one file."""
    path = _folder(request, store) / "referees.npz"
    with store.lock(f"referees-{digest(request.key)}") as waited, held(ONE_CORE), ONE_CORE.applied():
        if not (waited and path.exists()):  # else another process has just measured them
            measure(splits_of(request.dataset), Corruptor(request.corruptions)).save(path)
        return file_ref(store, path)
