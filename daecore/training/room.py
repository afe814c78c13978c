"""Room: whether a step fits into a device's memory, and where it does not, how many samples would.

Knows torch's errors. Does not know what is trained: it is told how to try a step.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from daecore.errors import InputError

CPU_SAYS = "can't allocate memory"  # in the message of a plain RuntimeError
GIB = 2**30


@contextmanager
def name_a_batch_that_fits(model: nn.Module, batch: int, processes: int, step: Callable[[int], None]) -> Iterator[None]:
    """A block of steps; where one finds no memory, smaller ones are tried, and the message names what fits.

    Args:
        model: What is trained; its gradients are dropped.
        batch: How many samples a step takes.
        processes: How many share them.
        step: Computes the loss and the gradients of so many samples, by this process alone.

    Raises:
        InputError: A step did not fit.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold what the step had computed
        device = next(model.parameters()).device
        fits = _largest(model, batch // processes, step)
        advice = (
            f"{fits * processes:,} fit: training.batch={fits * processes}"
            if fits
            else "Not even one does: take a smaller network, or smaller pictures"
        )
        raise InputError(
            f"A step on {batch:,} samples does not fit into the memory of {_name(device)}. {advice}. The training has "
            "stopped; its last checkpoint is intact, and another batch begins another training."
        ) from None


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch found no memory, on a GPU or on the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or CPU_SAYS in str(error)


def _largest(model: nn.Module, share: int, step: Callable[[int], None]) -> int:
    """The largest half, quarter, eighth ... of a share that fits; 0 if not even one sample does."""
    while share := share // 2:
        model.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            step(share)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            traceback.clear_frames(error.__traceback__)
        else:
            return share
    return 0


def _name(device: torch.device) -> str:
    if device.type != "cuda":
        return f"this {device.type.upper()}"
    free, whole = torch.cuda.mem_get_info(device)
    return f"{torch.cuda.get_device_name(device)} ({whole / GIB:.1f} GiB, {free / GIB:.1f} free now)"
