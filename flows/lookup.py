"""Finding what a user means: a run by id, name or registry alias, the experiment it ran, the network it trained."""

import json
from typing import Any

from daecore.errors import InputError, StoreError, in_a_line

from . import tracking
from .records import ModelRef
from .reporting import EXPERIMENT
from .tracking import ModelVersion, Run

MODELS = "models:/"


def find_run(text: str, *, stages: tuple[str, ...] = ("denoise",)) -> Run:
    """The run of a whole experiment with this id, unique beginning of an id, or unique name.

    Args:
        text: The same, or a registered model: ``models:/name@alias`` or ``models:/name/version``.
        stages: Among which runs.

    Raises:
        InputError: There is none, or several.
    """
    if text.startswith(MODELS):
        return tracking.client().get_run(find_version(text).tags[tracking.REPORTED_BY])
    runs = [run for stage in stages for run in tracking.runs(f"tags.stage = '{stage}'")]
    found = [run for run in runs if text and run.info.run_id.startswith(text)]
    found = found or [run for run in runs if run.info.run_name == text]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(f"There is no run {text!r}. `dae runs` lists them; give an id, its beginning, or a name.")
    ids = ", ".join(run.info.run_id[:12] for run in found)
    raise InputError(f"{text!r} may mean several runs: {ids}. Give more of the id.")


def find_version(text: str) -> ModelVersion:
    """The version of a registered model that ``models:/name@alias`` or ``models:/name/version`` means.

    Raises:
        InputError: There is none.
    """
    name, mark, which = text.removeprefix(MODELS).rpartition("@" if "@" in text else "/")
    found = tracking.version_at(name, which) if mark and name else None
    if found is None:
        known = ", ".join(tracking.registered()) or "none"
        raise InputError(
            f"There is no registered model {text!r}. It is written models:/NAME@ALIAS or models:/NAME/VERSION; "
            f"registered: {known}."
        )
    return found


def experiment_of(run: Run) -> dict[str, Any]:
    """The experiment a run was asked to do, as a mapping.

    Raises:
        InputError: The run does not say.
        StoreError: What it says cannot be read.
    """
    path = tracking.artifact_folder(run.info.run_id) / EXPERIMENT
    if not path.is_file():
        raise InputError(
            f"The run {run.info.run_id} ({run.info.run_name}) keeps no {EXPERIMENT}; its artifacts were removed, or it "
            "was made before runs kept it. Run its recipe again."
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"it holds {type(found).__name__}, expected sections")
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} is no experiment that daecore wrote: {in_a_line(str(error))}.") from None
    return found


def model_of(run: Run) -> ModelRef:
    """The network that a whole run, or a training, gave.

    Raises:
        InputError: It has given none.
        StoreError: What it says of it cannot be read.
    """
    source = run.data.tags.get("source_run", run.info.run_id)
    tags = tracking.client().get_run(source).data.tags
    if tracking.MODEL not in tags:
        raise InputError(
            f"The run {run.info.run_id} ({run.info.run_name}) has no trained network: it is {run.info.status}."
        )
    return ModelRef.of(tags[tracking.MODEL], f"The run {run.info.run_id} ({run.info.run_name})")
