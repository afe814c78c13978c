"""Removing runs: what one takes with it, and bringing it back.

A removed run is marked as deleted. A living one stays, and so does what it has said it uses.
"""

from collections.abc import Iterator
from itertools import count

from daecore.errors import InputError, quote

from . import tracking
from .housekeeping import CLEANING, RUN_ID, STUDIES, STUDY
from .store import Store, current_store
from .tracking import Run
from .usage import USES, uses

TRAININGS = ("tags.stage = 'train_autoencoder'", "tags.stage = 'unroll'")  # runs that gave a network


def removable(run: Run) -> list[Run]:
    """The run and those trainings it made or reused that no other run uses.

    Raises:
        InputError: It is going on, or a champion would go with it.
    """
    if run.info.status == "RUNNING":
        raise InputError(
            f"The run {run.info.run_id} is going on. Stop it with Ctrl-C where it was started, or wait for it; then "
            "try again."
        )
    champion = tracking.champion_made_by(run.info.run_id)
    if champion:
        raise InputError(
            f"The run {run.info.run_id} made {champion}, which is in use. Let the alias point elsewhere first, on "
            "MLflow's page of the model, or retrain."
        )
    return [run, *(training for training in _trainings(run) if not _is_needed(training, run))]


def _trainings(run: Run) -> list[Run]:
    """The trainings that a run made or reused."""
    reused = ", ".join(f"'{name}'" for name in sorted(uses(run)) if RUN_ID.fullmatch(name))
    ways = [
        f"tags.`{tracking.PARENT}` = '{run.info.run_id}'",
        *([f"attributes.run_id IN ({reused})"] if reused else []),
    ]
    found = (training for way in ways for stage in TRAININGS for training in tracking.runs(f"{way} and {stage}"))
    return list({training.info.run_id: training for training in found}.values())


def _is_needed(training: Run, besides: Run) -> bool:
    """Whether anything but this run needs a training: whoever trains it, another run, its maker, a champion."""
    one = training.info.run_id
    if training.info.status == "RUNNING":
        return True
    maker = training.data.tags.get(tracking.PARENT, "")
    if maker not in ("", besides.info.run_id) and _in_force(tracking.run_of(maker)):
        return True
    users = (user for tag in _usage_tags() for user in tracking.runs(f"tags.`{tag}` LIKE '%{one}%'", limit=2))
    return any(user.info.run_id != besides.info.run_id for user in users) or bool(tracking.champion_made_by(one))


def _usage_tags() -> Iterator[str]:
    """The tags under which the store's runs say what they were made of."""
    for number in count():
        tag = f"{USES}.{number}" if number else USES
        if not tracking.runs(f"tags.`{tag}` IS NOT NULL", limit=1):
            return
        yield tag


def _in_force(run: Run | None) -> bool:
    """Whether it is a whole run, or a study that was not conducted again since, and was not removed."""
    if run is None or run.info.lifecycle_stage != "active":
        return False
    tags = run.data.tags
    if tags.get("stage") != STUDY or run.info.status != "FINISHED":
        return tags.get("stage") in ("denoise", STUDY)
    same = f"tags.study = '{tags['study']}' and tags.quick = '{tags['quick']}'"
    return [run.info.run_id] == [newest.info.run_id for newest in tracking.runs(f"{STUDIES} and {same}", limit=1)]


def remove(store: Store, runs: list[Run]) -> list[Run]:
    """Mark as deleted what `removable` has found, the run itself first; which of them: some may be used meanwhile."""
    with store.lock(CLEANING):
        now = tracking.client().get_run(runs[0].info.run_id)  # it may have been taken up again
        still = {run.info.run_id for run in removable(now)}
        gone = [run for run in runs if run.info.run_id in still]
        for run in gone:
            tracking.client().delete_run(run.info.run_id)
    return gone


def bring_back(run_id: str) -> list[Run]:
    """Undo `remove` for a run and the trainings that went with it; what was brought back.

    Raises:
        InputError: There is no removed run with this id, or its files were freed.
    """
    run = tracking.run_of(run_id)
    files = current_store().files
    if run is None or run.info.lifecycle_stage != "deleted" or not files.within(tracking.artifact_folder(run_id)):
        raise InputError(
            f"A removed run was to be brought back, but none has the id {quote(run_id)}. Give the whole id that "
            "`dae rm` printed; what `dae gc` has freed cannot come back."
        )
    made = f"tags.`{tracking.PARENT}` = '{run_id}'"
    ids = {run_id, *uses(run), *(one.info.run_id for one in tracking.removed_runs(made))}
    known = (tracking.run_of(name) for name in sorted(ids, key=lambda it: it != run_id) if RUN_ID.fullmatch(name))
    removed = [one for one in known if one is not None and one.info.lifecycle_stage == "deleted"]
    for one in removed:
        tracking.client().restore_run(one.info.run_id)
    return removed
