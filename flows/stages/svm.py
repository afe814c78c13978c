"""The support vector machine that needs no features: how hard a dataset is, whatever networks make of it."""

from daecore.experiment.experiment import Experiment
from daecore.transfer.svm import KernelMachineReport, judge_kernel_machine

from ..store.dataset_ref import DatasetRef
from ..store.device_lock import ONE_CORE, held
from .dataset import splits_of
from .key import stage_key
from .stage import Request


class MachineRequest(Request):
    """Judge a support vector machine on the dataset."""

    dataset: DatasetRef


def machine_request(experiment: Experiment, dataset: DatasetRef) -> MachineRequest:
    """Judge a support vector machine on the experiment's dataset."""
    return MachineRequest(key=stage_key("judge_machine", {"dataset": dataset.sha256}, []), dataset=dataset)


def judge_machine(request: MachineRequest) -> KernelMachineReport:
    """Choose the machine by validation, and judge it once."""
    with held(ONE_CORE), ONE_CORE.applied():
        return judge_kernel_machine(splits_of(request.dataset))
