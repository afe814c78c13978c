"""Stage keys: what each stage's result depends on, from which Prefect's cache key is made.

Prefect's own `INPUTS` policy does not know which task it hashes; these records name the stage, the code
it runs and the plugins it uses beside its inputs.
"""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from daecore.device import Device
from daecore.plugin.source_digest import source_digest
from daecore.plugin.spec import digest
from daecore.record import Record

LIBRARIES = ("torch", "numpy", "scipy", "scikit-image", "PyWavelets", "scikit-learn")  # what computes numbers for us
# How things are named, found and said, and how many cores there are: no number depends on it but by what keys name.
NO_RESULT = frozenset(
    f"daecore{name}"
    for name in (
        "",
        ".errors",
        ".plugin.answers",
        ".plugin.bibtex",
        ".plugin.extension",
        ".plugin.hookspecs",
        ".plugin.kinds",
        ".plugin.options",
        ".plugin.registry",
        ".plugin.series",
        ".processors",
    )
)


class StageKey(Record):
    """What a stage's result depends on; equal keys, equal results. Run ids are no part of it.

    The name is in it because two stages with equal inputs must keep two results.
    """

    stage: str
    code: str
    plugins: tuple[str, ...]
    inputs: str
    device: Device | None = None


@dataclass(frozen=True)
class Code:
    """The code that a result depends on.

    Attributes:
        own: The module that defines the stage; of this distribution it counts alone.
        core: Where the stage's code begins in the core; what these modules import counts too.
        libraries: Distributions whose versions count, too.
    """

    own: str
    core: tuple[str, ...]
    libraries: tuple[str, ...] = LIBRARIES

    @property
    def digest(self) -> str:
        """SHA-256 of the code and of the libraries' versions: another one is another result."""
        return _digest(self)

    @property
    def sources(self) -> str:
        """SHA-256 of the code alone."""
        return digest(_sources(self))


@cache
def _digest(code: Code) -> str:
    return digest([*_sources(code), {name: version(name) for name in code.libraries}])


@cache
def _sources(code: Code) -> list[str]:
    own = source_digest(code.own, within=(code.own,))
    core = source_digest(*code.core, leave_out=NO_RESULT)
    return [own, core]
