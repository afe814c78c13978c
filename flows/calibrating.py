"""The support vector machine that needs no features: how hard a dataset is, whatever networks make of it."""

from daecore.kernel_machine import KernelMachineReport, judge_kernel_machine

from .datasets import splits_of
from .devices import ONE_CORE, held
from .records import MachineRequest


def judge_machine(request: MachineRequest) -> KernelMachineReport:
    """Choose the machine by validation, and judge it once."""
    with held(ONE_CORE), ONE_CORE.applied():
        return judge_kernel_machine(splits_of(request.dataset))
