"""Stage keys: what each stage's result depends on, from which Prefect's cache key is made.

Prefect's own `INPUTS` policy does not know which task it hashes; these records name the stage, the code
it runs and the plugins it uses beside its inputs.
"""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from daecore.device import Place
from daecore.plugin.source_digest import source_digest
from daecore.plugin.spec import Spec, digest
from daecore.record import Record

from ..store.provenance import provenance


class StageKey(Record):
    """What a stage's result depends on; equal keys, equal results. Run ids are no part of it.

    The name is in it because two stages with equal inputs must keep two results.
    """

    stage: str
    code: str
    plugins: tuple[str, ...]
    inputs: str
    place: Place | None = None


CODE = {  # where each stage's code begins, here and in the core; what the core's modules import counts too
    "load_dataset": (
        "datasets",
        "daecore.data.samples",
        "daecore.rng",
        "daecore.data.image_file",
        "daecore.data.image_search",
    ),
    "train_autoencoder": (
        "learning",
        "daecore.training.loop",
        "daecore.model.autoencoder",
        "daecore.corruption.corruptor",
        "daecore.model.stack",
    ),
    "unroll": ("stacking/unrolling", "daecore.model.stack", "daecore.model.autoencoder"),
    "measure_referees": ("judging", "daecore.evaluation.baselines"),
    "evaluate_denoising": ("judging", "daecore.evaluation.denoising", "daecore.plots.figures"),
    "transfer": ("transferring", "daecore.transfer.transfer", "daecore.model.autoencoder"),
    "judge_machine": ("calibrating", "daecore.transfer.svm"),
    "train_classifier": ("classifying", "daecore.transfer.encoder", "daecore.model.autoencoder"),
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


@cache
def code_digest(stage: str) -> str:
    """SHA-256 of the code a stage runs and of the libraries' versions: another one is another result."""
    here, *core = CODE[stage]
    libraries = _LIBRARIES + (_READERS if stage == "load_dataset" else ())
    own = (Path(__file__).parent / f"{here}.py").read_text(encoding="utf-8")
    return digest([own, source_digest(*core, leave_out=NO_RESULT), {name: version(name) for name in libraries}])
