"""Cleaning up: what a removed run takes with it, and what may go because no kept run uses it.

Removing a run marks it as deleted, and `bring_back` undoes that; `collectable` is what can be freed.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from daecore.errors import InputError, quote

from . import tracking
from .fitted_bars import folders_of_bars
from .kept_data import unused_data
from .store import Store
from .tracking import Run

USES = "dae.uses"
TRAININGS = ("tags.stage = 'train_autoencoder'", "tags.stage = 'unroll'")  # runs that gave a network
NAMES_A_TAG = 50  # names of at most 96 characters
# The stages of a study, which uses trainings as a whole run does, and of a series of studies.
STUDY, SERIES = "study", "series"
STUDIES = f"tags.stage = '{STUDY}' and {tracking.FINISHED}"
RUN_ID, MODEL_ID = re.compile("[0-9a-f]{32}"), re.compile("m-[0-9a-f]{32}")  # as MLflow names their folders
PAGE = 1000  # runs that are read at once


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
    """Whether anything but this run needs a training: another run, the one that made it, a champion."""
    one = training.info.run_id
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


def remove(runs: list[Run]) -> None:
    """Mark runs as deleted."""
    for run in runs:
        tracking.client().delete_run(run.info.run_id)


def bring_back(run_id: str) -> list[Run]:
    """Undo `remove` for a run and the trainings that went with it; what was brought back.

    Raises:
        InputError: There is no removed run with this id, or its files were freed.
    """
    run = tracking.run_of(run_id)
    if run is None or run.info.lifecycle_stage != "deleted" or not tracking.artifact_folder(run_id).is_dir():
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


def collectable(store: Store, keep: int) -> list[Removal]:
    """What may go if the newest ``keep`` finished runs, and every unfinished one's checkpoint, are to be kept whole.

    So is the latest run of each study of a series.

    Raises:
        InputError: A run is going on; what it uses is not known yet.
    """
    _refuse_while_running()
    unused = (Removal(path, "data that nobody has read for a month") for path in unused_data(store.data))
    return [*_caches(store, keep), *_checkpoints(store), *_find_deleted(store), *unused]


def _latest_studies() -> list[Run]:
    """The newest finished run of each study, with small and with whole budgets."""
    found: dict[tuple[str, str], Run] = {}
    for run in tracking.each_run(STUDIES):
        found.setdefault((run.data.tags.get("study", ""), run.data.tags.get("quick", "")), run)
    return list(found.values())


def _refuse_while_running() -> None:
    if tracking.runs("attributes.status = 'RUNNING'", limit=1):
        raise InputError(
            "A run is going on in this store, and what it needs is not known yet. Wait for it, or stop it with Ctrl-C "
            "where it was started, then try again."
        )


def uses(run: Run) -> set[str]:
    """The stage keys, result folders and training runs a finished run was made of, and its error bars' folders."""
    made_of = {name for key, text in run.data.tags.items() if key.startswith(USES) for name in text.split()}
    return made_of | folders_of_bars(run)


def usage(names: Iterable[str]) -> dict[str, str]:
    """The tags that say what a run was made of, as many as it takes: a tag's length is limited."""
    known = sorted(set(names))
    parts = [known[begin : begin + NAMES_A_TAG] for begin in range(0, len(known), NAMES_A_TAG)]
    return {f"{USES}.{number}" if number else USES: " ".join(part) for number, part in enumerate(parts)}


def _caches(store: Store, keep: int) -> Iterator[Removal]:
    from .unfinished import goes_on  # with PyTorch, which looking at runs does not need

    folders = {path.name: path for path in store.results.iterdir()}
    storage = store.cached_results
    cached = {path.name: path for path in (storage.iterdir() if storage.is_dir() else ())}
    unused = (folders.keys() | cached.keys()) - {name for run in _latest_studies() for name in uses(run)}
    for run in islice(tracking.each_run(f"{tracking.WHOLE} and {tracking.FINISHED}", min(max(keep, 1), PAGE)), keep):
        unused -= uses(run)
        if not unused:
            break
    for name, folder in folders.items():
        if name in unused and not goes_on(folder, store):
            yield Removal(folder, "a stage's files that no kept run uses")
    yield from (Removal(cached[name], "a cached result that no kept run uses") for name in cached if name in unused)


def _checkpoints(store: Store) -> Iterator[Removal]:
    for path in (store.root / "checkpoints").iterdir():
        run = tracking.training_run(path.stem)
        if run is None or run.info.status == "FINISHED":
            yield Removal(path, "a checkpoint of no unfinished training")


def _find_deleted(store: Store) -> Iterator[Removal]:
    """What belongs to runs that MLflow says are deleted, or does not know; and models that it does not know."""
    experiments = [path for path in store.artifacts.iterdir() if path.is_dir()]
    models = _find_named(MODEL_ID, *(experiment / "models" for experiment in experiments))
    folders = _find_named(RUN_ID, *experiments)
    sources = tracking.sources(models)
    gone = tracking.find_gone({*folders, *filter(None, sources.values())})
    for name, path in sorted(models.items()):
        if name not in sources or sources[name] in gone:
            yield Removal(path, "a model whose run was removed")
    yield from (Removal(folders[name], "artifacts of a removed run") for name in sorted(gone & folders.keys()))


def _find_named(form: re.Pattern[str], *folders: Path) -> dict[str, Path]:
    """What lies in these folders and is called like a run, or like a model: nothing else is MLflow's to speak of."""
    there = (path for folder in folders if folder.is_dir() for path in folder.iterdir())
    return {path.name: path for path in there if form.fullmatch(path.name)}
