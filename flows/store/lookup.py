"""Finding what a user means: a run by id, name or registry alias, the experiment it ran, the network it trained."""

import re
from typing import Any

from daecore.errors import InputError, StoreError, choices, in_a_line, quote
from daecore.json_text import parse_json

from . import tracking
from .model_ref import ModelRef
from .tracking import ModelVersion, Run

EXPERIMENT = "experiment.json"  # the artifact that says what a run was asked to do


MODELS = "models:/"
FEW, LAST = 8, 50  # runs that a message names; among how many of the last a name is looked for that was meant


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
    found = _matching(f"attributes.run_id LIKE '{text}%'", stages) if re.fullmatch("[0-9a-f]{1,32}", text) else []
    found = found or _matching(f"attributes.run_name = {tracking.quote(text)}", stages)
    if len(found) == 1:
        return found[0]
    if not found:
        last = [run.info.run_name for run in _matching("", stages, limit=LAST)]
        raise InputError(f"There is no run {quote(text)}. {choices(text, last, 'dae runs')}")
    ids = ", ".join(run.info.run_id[:12] for run in found[:FEW])
    more = " and more" if len(found) > FEW else ""
    raise InputError(f"{quote(text)} may mean several runs: {ids}{more}. Give more of the id; `dae runs` lists them.")


def _matching(query: str, stages: tuple[str, ...], limit: int = FEW + 1) -> list[Run]:
    """The newest runs of these stages that match."""
    queries = (" and ".join(filter(None, [f"tags.stage = '{stage}'", query])) for stage in stages)
    return [run for query in queries for run in tracking.runs(query, limit)]


def find_version(text: str) -> ModelVersion:
    """The version of a registered model that ``models:/name@alias`` or ``models:/name/version`` means.

    Raises:
        InputError: There is none.
    """
    name, mark, which = text.removeprefix(MODELS).rpartition("@" if "@" in text else "/")
    found = tracking.version_at(name, which) if mark and name else None
    if found is None:
        raise InputError(
            f"There is no registered model {quote(text)}. It is written models:/NAME@ALIAS or models:/NAME/VERSION. "
            f"{choices(name, tracking.registered_names())}"
        )
    return found


def experiment_of(run: Run) -> dict[str, Any]:
    """The experiment a run was asked to do, as a mapping.

    Raises:
        InputError: The run does not say.
        StoreError: What it says cannot be read.
    """
    path = tracking.artifact(run.info.run_id, EXPERIMENT)
    if not path.is_file():
        raise InputError(
            f"The run {run.info.run_id} ({run.info.run_name}) keeps no {EXPERIMENT}; its artifacts were removed, or it "
            "was made before runs kept it. Run its recipe again."
        )
    try:
        found = parse_json(path.read_bytes())
        if not isinstance(found, dict):
            raise ValueError(f"it holds {type(found).__name__}, expected sections")
    except (OSError, ValueError) as error:
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
