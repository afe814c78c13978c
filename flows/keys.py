"""Stage keys: what each stage's result depends on, from which Prefect's cache key is made.

Prefect's own `INPUTS` policy does not know which task it hashes; these records name the stage, the code
it runs and the plugins it uses beside its inputs.
"""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from daecore.place import Place
from daecore.source import source_digest
from daecore.spec import Spec, digest

from .records import StageKey

CODE = {  # where each stage's code begins, here and in the core; what the core's modules import counts too
    "load_dataset": ("datasets", "daecore.samples", "daecore.rng", "daecore.image_file", "daecore.image_search"),
    "train_autoencoder": ("learning", "daecore.training", "daecore.autoencoder", "daecore.corruption", "daecore.stack"),
    "unroll": ("stacking/unrolling", "daecore.stack", "daecore.autoencoder"),
    "measure_referees": ("judging", "daecore.referees"),
    "evaluate_denoising": ("judging", "daecore.evaluation", "daecore.figures"),
    "transfer": ("transferring", "daecore.transfer", "daecore.autoencoder"),
    "judge_machine": ("calibrating", "daecore.kernel_machine"),
    "train_classifier": ("classifying", "daecore.initialisation", "daecore.autoencoder"),
}
_LIBRARIES = ("torch", "numpy", "scipy", "scikit-image", "PyWavelets", "scikit-learn")  # what computes numbers for us
_READERS = ("pillow", "tifffile", "imagecodecs")  # what decodes a user's pictures
# How things are named, found and said, and how many cores there are: no number depends on it but by what keys name.
NO_RESULT = frozenset(
    f"daecore{name}" for name in ("", ".errors", ".extension", ".hookspecs", ".processors", ".registry")
)


def stage_key(stage: str, inputs: Any, specs: Iterable[Spec], place: Place | None = None) -> StageKey:
    """The key of one stage.

    Args:
        stage: The stage's name.
        inputs: JSON of what it is given, without run ids.
        specs: The extensions it calls: their distribution, version and file digest enter.
        place: Device, precision and threads, where they change the result.
    """
    return StageKey(
        stage=stage,
        code=code_digest(stage),
        plugins=tuple(provenance(specs).values()),
        inputs=digest(inputs),
        place=place,
    )


def provenance(specs: Iterable[Spec]) -> dict[str, str]:
    """``{"corruption erasure": "daecore 0.1.0 sha256:…"}`` of the extensions used."""
    found = {}
    for spec in (part for whole in specs for part in whole.parts):
        origin = spec.installed.provenance
        found[f"{spec.kind} {spec.name}"] = f"{origin.distribution} {origin.version} sha256:{origin.digest}"
    return dict(sorted(found.items()))


@cache
def code_digest(stage: str) -> str:
    """SHA-256 of the code a stage runs and of the libraries' versions: another one is another result."""
    here, *core = CODE[stage]
    libraries = _LIBRARIES + (_READERS if stage == "load_dataset" else ())
    own = (Path(__file__).parent / f"{here}.py").read_text(encoding="utf-8")
    return digest([own, source_digest(*core, leave_out=NO_RESULT), {name: version(name) for name in libraries}])
