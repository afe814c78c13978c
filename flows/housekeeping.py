"""Cleaning up: what a removed run takes with it, and what may go because no kept run uses it.

Removing a run marks it as deleted (`mlflow runs restore` brings it back); `collect` frees the room.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from daecore.errors import InputError

from . import tracking
from .store import Store
from .threads import goes_on
from .tracking import Run

USES, DENOISE = "dae.uses", "tags.stage = 'denoise'"
TRAININGS = ("tags.stage = 'train_autoencoder'", "tags.stage = 'unroll'")  # runs that gave a network
NAMES_A_TAG = 50  # names of at most 96 characters
# The stages of a study, which uses trainings as a whole run does, and of a series of studies.
STUDY, SERIES = "study", "series"


@dataclass(frozen=True)
class Removal:
    """A file or folder that may go."""

    path: Path
    reason: str

    @property
    def bytes(self) -> int:
        """What it frees."""
        files = [self.path] if self.path.is_file() else self.path.rglob("*")
        return sum(path.stat().st_size for path in files if path.is_file())

    def carry_out(self) -> None:
        """Delete it."""
        shutil.rmtree(self.path) if self.path.is_dir() else self.path.unlink(missing_ok=True)


def removable(run: Run) -> list[Run]:
    """The run and those trainings it made or reused that no other run uses.

    Raises:
        InputError: Some run is going on; what it uses is not known yet. Or a champion would go with it.
    """
    _refuse_while_running()
    champion = tracking.champions().get(run.info.run_id)
    if champion is not None:
        raise InputError(
            f"The run {run.info.run_id} made {champion}, which is in use. Let the alias point elsewhere first, on "
            "MLflow's page of the model, or retrain."
        )
    others = [other for other in _users() if other.info.run_id != run.info.run_id]
    used = {name for other in others for name in uses(other)}
    superseded = {other.info.run_id for other in _superseded()}
    there = {other.info.run_id for other in others} - superseded
    return [
        run,
        *(
            training
            for query in TRAININGS
            for training in tracking.runs(query)
            if training.info.run_id not in used | tracking.champions().keys()
            and training.data.tags.get(tracking.PARENT) not in there
        ),
    ]


def remove(runs: list[Run]) -> None:
    """Mark runs as deleted."""
    for run in runs:
        tracking.client().delete_run(run.info.run_id)


def collectable(store: Store, keep: int) -> list[Removal]:
    """What may go if the newest ``keep`` finished runs, and every unfinished one's checkpoint, are to be kept whole.

    So is the latest run of each study of a series.

    Raises:
        InputError: A run is going on; what it uses is not known yet.
    """
    _refuse_while_running()
    finished = tracking.runs(f"{DENOISE} and attributes.status = 'FINISHED'")[:keep]
    used = {name for run in [*finished, *_latest_studies()] for name in uses(run)}
    return [*_caches(store, used), *_checkpoints(store), *_deleted(store)]


def _users() -> list[Run]:
    """Every run that names the stages and trainings it was made of."""
    return [*tracking.runs(DENOISE), *tracking.runs(f"tags.stage = '{STUDY}'")]


def _superseded() -> list[Run]:
    """Studies that were conducted again since; the trainings they alone have made may go."""
    latest = {run.info.run_id for run in _latest_studies()}
    finished = tracking.runs(f"tags.stage = '{STUDY}' and attributes.status = 'FINISHED'")
    return [run for run in finished if run.info.run_id not in latest]


def _latest_studies() -> list[Run]:
    """The newest finished run of each study, with small and with whole budgets."""
    found: dict[tuple[str, str], Run] = {}
    for run in tracking.runs(f"tags.stage = '{STUDY}' and attributes.status = 'FINISHED'"):
        found.setdefault((run.data.tags.get("study", ""), run.data.tags.get("quick", "")), run)
    return list(found.values())


def _refuse_while_running() -> None:
    if tracking.runs("attributes.status = 'RUNNING'"):
        raise InputError(
            "A run is going on in this store, and what it needs is not known yet. Wait for it, or stop it with Ctrl-C "
            "where it was started, then try again."
        )


def uses(run: Run) -> set[str]:
    """The stage keys, result folders and training runs a finished run was made of."""
    return {name for key, text in run.data.tags.items() if key.startswith(USES) for name in text.split()}


def usage(names: Iterable[str]) -> dict[str, str]:
    """The tags that say what a run was made of, as many as it takes: a tag's length is limited."""
    known = sorted(set(names))
    parts = [known[begin : begin + NAMES_A_TAG] for begin in range(0, len(known), NAMES_A_TAG)]
    return {f"{USES}.{number}" if number else USES: " ".join(part) for number, part in enumerate(parts)}


def _caches(store: Store, used: set[str]) -> Iterator[Removal]:
    for folder in store.results.iterdir():
        if folder.name not in used and not goes_on(folder, store):
            yield Removal(folder, "a stage's files that no kept run uses")
    storage = store.cached_results
    for path in storage.iterdir() if storage.is_dir() else ():
        if path.name not in used:
            yield Removal(path, "a cached result that no kept run uses")


def _checkpoints(store: Store) -> Iterator[Removal]:
    for path in (store.root / "checkpoints").iterdir():
        run = tracking.training_run(path.stem)
        if run is None or run.info.status == "FINISHED":
            yield Removal(path, "a checkpoint of no unfinished training")


def _deleted(store: Store) -> Iterator[Removal]:
    """Artifacts of runs marked as deleted, and models whose run is gone."""
    kept = {run.info.run_id for run in tracking.runs()}
    models = tracking.model_runs()
    for experiment in store.artifacts.iterdir():
        for folder in experiment.iterdir():
            if folder.name == "models":
                gone = [path for path in folder.iterdir() if models.get(path.name) not in kept]
                yield from (Removal(path, "a model whose run was removed") for path in gone)
            elif folder.name not in kept:
                yield Removal(folder, "artifacts of a removed run")
