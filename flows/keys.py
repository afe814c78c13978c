"""Stage keys: what each stage's result depends on, from which Prefect's cache key is made.

Prefect's own `INPUTS` policy does not know which task it hashes; these records name the stage, the code
it runs and the plugins it uses beside its inputs.
"""

import hashlib
import importlib.util
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from daecore.place import Place
from daecore.spec import Spec, digest

from .records import StageKey

_CODE = {
    "load_dataset": ("samples", "rng"),
    "train_autoencoder": ("training", "corruption", "objective", "autoencoder", "samples", "rng", "place"),
    "measure_referees": ("referees", "metrics", "evaluation", "corruption", "samples", "rng"),
    "evaluate_denoising": ("evaluation", "metrics", "intervals", "figures", "corruption", "samples", "rng"),
    "transfer": ("transfer", "classifier", "training", "objective", "intervals", "samples", "rng"),
}


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
    for spec in specs:
        origin = spec.installed.provenance
        found[f"{spec.kind} {spec.name}"] = f"{origin.distribution} {origin.version} sha256:{origin.digest}"
    return dict(sorted(found.items()))


@cache
def code_digest(stage: str) -> str:
    """SHA-256 of the core modules a stage runs and of torch's version: another one is another result."""
    state = hashlib.sha256(version("torch").encode())
    for name in _CODE[stage]:
        found = importlib.util.find_spec(f"daecore.{name}")
        if found is not None and found.origin:
            state.update(Path(found.origin).read_bytes())
    return state.hexdigest()
