"""What a stage is: a Prefect task that is asked by one request and cached by the request's key.

A stage is one file: request, record, key, body and task. This one knows none of them.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from pydantic import Field

from daecore.device import Device, resolve_device
from daecore.experiment.experiment import Experiment
from daecore.experiment.provenance import provenance
from daecore.plugin.extension import Extension
from daecore.plugin.source_digest import require_modules
from daecore.plugin.spec import Spec, digest
from daecore.record import Record

from ..store.dataset_ref import DatasetRef
from ..store.store import current_store
from .kept_task import KeptTask
from .key import LIBRARIES, Code, StageKey

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


class Request(Record):
    """What a stage is asked to do. `key` says what its answer depends on; the rest is told beside it."""

    key: StageKey

    @property
    def folder(self) -> Path:
        """Where the stage leaves its files in the present store, made if need be: named by the key."""
        folder = current_store().results / f"{self.key.stage}-{digest(self.key)[:32]}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def anew(self) -> Self:
        """The same for a fresh run: what is kept outside of the cache of stages does not count, either."""
        return self


class DeviceRequest(Request):
    """What is asked of a stage whose result depends on where it computes, to the last bit on the number of threads.

    No threads, 0: how many is decided just before it begins; the key then says nothing of them, either.
    """

    dataset: DatasetRef
    device: Device

    @property
    def processes(self) -> int:
        """How many processes compute it together, each with so many threads."""
        return 1

    def with_threads(self, threads: int) -> Self:
        """The same, computed with so many."""
        device = self.device.model_copy(update={"threads": threads})
        return self.model_copy(update={"device": device, "key": self.key.model_copy(update={"device": device})})


class Timed(Record):
    """How one stage went: its seconds, whether it came from the cache, and with what it was computed, if that is known.

    What it was computed with is told of the result: of one that was reused, of whoever computed it.
    """

    stage: str
    seconds: float
    reused: bool
    computed: dict[str, str] = Field(default={})


class Stage(KeptTask[Asked, Result]):
    """A task whose result is kept under its request's key, and the code that result depends on.

    Attributes:
        code: What runs.
    """

    def __init__(self, function: Callable[Asked, Result], code: Code) -> None:
        super().__init__(function)
        self.code = code

    def key_of(self, inputs: Any, specs: Iterable[Spec[Extension]], device: Device | None = None) -> StageKey:
        """The key of one request.

        Args:
            inputs: JSON of what the stage is given, without run ids.
            specs: The extensions it calls: their distribution, version and code enter.
            device: Device, precision and threads, where they change the result.
        """
        return StageKey(
            stage=self.name,
            code=self.code.digest,
            plugins=tuple(provenance(specs).values()),
            inputs=digest(inputs),
            device=device,
        )


def stage(
    *, code: tuple[str, ...], libraries: tuple[str, ...] = ()
) -> Callable[[Callable[Asked, Result]], Stage[Asked, Result]]:
    """Make a function whose first argument is its `request` a stage.

    Args:
        code: The modules of the core that it runs, beside its own: what they import counts too.
        libraries: Distributions that its result depends on beside those of every stage.

    Raises:
        InputError: There is no such module.
    """
    require_modules(*code)

    def declare(function: Callable[Asked, Result]) -> Stage[Asked, Result]:
        return Stage(function, Code(function.__module__, code, LIBRARIES + libraries))

    return declare


def device_of(experiment: Experiment) -> Device:
    """Where the experiment's stages compute; where the user names no threads, how many is left open."""
    training = experiment.training
    found = resolve_device(training.device, training.precision, training.threads)
    return found.model_copy(update={"threads": training.threads})
