"""The stage of the support vector machine, which needs no features: how hard a dataset is without networks."""

from daecore.experiment.experiment import Experiment
from daecore.transfer.svm import SvmReport, choose_svm

from ..store.dataset_ref import DatasetRef
from ..store.device_lock import ONE_CORE, hold
from .dataset import splits_of
from .stage import Request, stage


class SvmRequest(Request):
    """Evaluate a support vector machine on the dataset."""

    dataset: DatasetRef


def svm_request(experiment: Experiment, dataset: DatasetRef) -> SvmRequest:
    """Evaluate a support vector machine on the experiment's dataset."""
    return SvmRequest(key=evaluate_svm.key_of({"dataset": dataset.sha256}, []), dataset=dataset)


@stage(code=("daecore.transfer.svm",))
def evaluate_svm(request: SvmRequest) -> SvmReport:
    """Choose the machine by validation, and evaluate it once."""
    with hold(ONE_CORE), ONE_CORE.apply():
        return choose_svm(splits_of(request.dataset))
