"""Device: where and how exactly a stage computes. Decided once, recorded with every run.

Knows what the hardware can do. Does not move data and does not train.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict

from daecore.errors import InputError
from daecore.processors import usable

Precision = Literal["float32", "bf16"]


class Device(BaseModel):
    """A device kind, a precision and a number of threads; equal devices give equal bytes on the CPU.

    No threads, 0: how many is still to be decided.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    precision: Precision
    threads: int

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which a forward pass runs."""
        return autocast(torch.device(self.kind), self.precision)

    @contextmanager
    def apply(self) -> Iterator[None]:
        """Compute with this many threads, keep freed memory and round the tiniest numbers to zero.

        The number of threads set before comes back afterwards, and so do tiny numbers.
        """
        keep_memory()
        with computing_with(self.threads), flush_denormals(self.threads):
            yield


def resolve_device(device: str = "auto", precision: str = "auto", threads: int = 0) -> Device:
    """What ``auto`` means on this machine.

    Args:
        device: ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.
        precision: ``auto`` (bf16 where the hardware has it), ``float32`` or ``bf16``.
        threads: CPU threads; 0 means as many as this process may use.

    Raises:
        InputError: CUDA was asked for and is not there.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("training.device is 'cuda', but torch sees no CUDA device here. Use 'auto' or 'cpu'.")
    kind = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    chosen: Precision = "bf16" if precision == "bf16" or (precision == "auto" and has_bf16(kind)) else "float32"
    return Device(kind=kind, precision=chosen, threads=threads or usable())


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """Compute with this many threads; the number set before comes back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_memory() -> None:
    """Let this process keep the memory it frees (glibc only; elsewhere nothing happens).

    A training step allocates and frees the same large activations again and again. By default glibc gives them
    back to the kernel, which then clears thousands of pages in every step: a fifth of a small float32 convolution.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for threshold in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD in <malloc.h>
            mallopt(threshold, 2**30)


@contextmanager
def flush_denormals(threads: int) -> Iterator[None]:
    """Let the CPU take numbers below 1.2e-38 for zero, in this thread and in those that compute for it.

    Weight decay shrinks the weights of units that are dead to such numbers, and a CPU multiplies by them many times
    slower.

    Args:
        threads: How many the OpenMP pool has.
    """
    before = not (torch.tensor(1e-30) * 1e-10).item()
    _flush(True, threads)
    try:
        yield
    finally:
        _flush(before, threads)


def _flush(flush: bool, threads: int) -> None:
    """Flush or not; torch sets the calling thread alone, and the others of the pool take over what it has then."""
    torch.set_flush_denormal(flush)
    library = ctypes.CDLL(None)
    if sys.platform == "linux" and hasattr(library, "GOMP_parallel") and hasattr(library, "fegetenv"):
        environment = ctypes.create_string_buffer(64)  # fenv_t has 32 bytes on x86, 8 on ARM
        library.fegetenv(environment)
        library.GOMP_parallel(library.fesetenv, environment, threads, 0)


def has_bf16(device: str) -> bool:
    """Whether bf16 is fast there: CUDA from capability 8.0, CPUs with AVX512-BF16 or AMX."""
    if device == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    capabilities = torch.cpu.get_capabilities() if device == "cpu" else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Mixed precision for ``bf16``, nothing for ``float32``."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
