"""The stage of the support vector machine, which needs no features: how hard a dataset is without networks."""

from daecore.experiment.experiment import Experiment
from daecore.transfer.svm import KernelMachineReport, judge_kernel_machine

from ..store.dataset_ref import DatasetRef
from ..store.device_lock import ONE_CORE, held
from .dataset import splits_of
from .stage import Request, stage


class MachineRequest(Request):
    """Judge a support vector machine on the dataset."""

    dataset: DatasetRef


def machine_request(experiment: Experiment, dataset: DatasetRef) -> MachineRequest:
    """Judge a support vector machine on the experiment's dataset."""
    return MachineRequest(key=judge_machine.key_of({"dataset": dataset.sha256}, []), dataset=dataset)


@stage(code=("daecore.transfer.svm",))
def judge_machine(request: MachineRequest) -> KernelMachineReport:
    """Choose the machine by validation, and judge it once."""
    with held(ONE_CORE), ONE_CORE.applied():
        return judge_kernel_machine(splits_of(request.dataset))
