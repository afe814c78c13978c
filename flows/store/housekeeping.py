"""Cleaning up: what may go because no kept run uses it.

It goes beside living runs: what these have made is younger than they are, and what else they use they have said
(`usage`), under a lock that is held while something goes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from . import tracking
from .journal import journals
from .kept_data import unused_data
from .own_files import OwnFiles, StoreFiles
from .store import Store
from .tracking import Run
from .usage import uses

CLEANING = "cleaning"  # the lock: shared by who says what he uses, held alone by who removes
CLOCKS = timedelta(minutes=10)  # by so much those of machines may differ
# The stages of a study, which uses trainings as a whole run does, and of a series of studies.
STUDY, SERIES = "study", "series"
STUDIES = f"tags.stage = '{STUDY}' and {tracking.FINISHED}"
RUN_ID, MODEL_ID = re.compile("[0-9a-f]{32}"), re.compile("m-[0-9a-f]{32}")  # as MLflow names their folders
PAGE = 1000  # runs that are read at once


@dataclass(frozen=True)
class Removal:
    """A file or folder that may go.

    Attributes:
        path: Where it lies.
        reason: Why it may.
        files: Those that it is one of.
    """

    path: Path
    reason: str
    files: StoreFiles

    @property
    def bytes(self) -> int:
        """What it frees."""
        return self.files.size(self.path).bytes


def collectable(store: Store, keep: int) -> list[Removal]:
    """What may go if the newest ``keep`` finished runs, and every unfinished one's checkpoint, are to be kept whole.

    So is the latest run of each study of a series, and whatever a living run uses.
    """
    living = tracking.runs("attributes.status = 'RUNNING'")
    found = [
        *_caches(store, keep, living),
        *_checkpoints(store),
        *_find_deleted(store),
        *_untold(store),
        *_copies(store),
    ]
    if living:
        began = min(datetime.fromtimestamp(run.info.start_time / 1000, UTC) for run in living) - CLOCKS
        found = [it for it in found if it.files.size(it.path).written < began]
    unused = (Removal(path, "data that nobody has read for a month", OwnFiles()) for path in unused_data(store.data))
    return [*found, *unused]


def collect(store: Store, keep: int, found: Iterable[Removal]) -> list[Removal]:
    """Delete what `collectable` has found; which of it: some may be used meanwhile."""
    with store.lock(CLEANING):
        still = {it.path for it in collectable(store, keep)}
        gone = [it for it in found if it.path in still]
        for it in gone:
            it.files.drop(it.path)
    return gone


def _latest_studies() -> list[Run]:
    """The newest finished run of each study, with small and with whole budgets."""
    found: dict[tuple[str, str], Run] = {}
    for run in tracking.each_run(STUDIES):
        found.setdefault((run.data.tags.get("study", ""), run.data.tags.get("quick", "")), run)
    return list(found.values())


def _caches(store: Store, keep: int, living: list[Run]) -> Iterator[Removal]:
    from .unfinished import goes_on  # with PyTorch, which looking at runs does not need

    files = store.files
    folders = {path.name: path for path in files.within(store.results)}
    cached = {path.name: path for path in files.within(store.cached_results)}
    unused = folders.keys() | cached.keys()
    unused -= {name for run in (*living, *_latest_studies()) for name in uses(run)}
    for run in islice(tracking.each_run(f"{tracking.WHOLE} and {tracking.FINISHED}", min(max(keep, 1), PAGE)), keep):
        unused -= uses(run)
        if not unused:
            break
    for name, folder in folders.items():
        if name in unused and not goes_on(folder, store):
            yield Removal(folder, "a stage's files that no kept run uses", files)
    for name in cached.keys() & unused:
        yield Removal(cached[name], "a cached result that no kept run uses", files)


def _checkpoints(store: Store) -> Iterator[Removal]:
    for path in store.files.within(store.checkpoints):
        if _is_over(path):
            yield Removal(path, "a checkpoint of no unfinished training", store.files)


def _is_over(checkpoint: Path) -> bool:
    run = tracking.training_run(checkpoint.stem)
    return run is None or run.info.status == "FINISHED"


def _copies(store: Store) -> Iterator[Removal]:
    """What this machine has of a shared store that the store has no more: another machine has removed it."""
    if store.shared is None:
        return
    here, experiments = OwnFiles(), OwnFiles().within(store.artifacts)
    models = (experiment / "models" for experiment in experiments)
    for folder in (store.results, store.cached_results, store.checkpoints, *experiments, *models):
        theirs = {path.name for path in store.files.within(folder)}
        for path in here.within(folder):
            gone = path.name not in theirs and not path.name.startswith(".")  # those are being brought
            if gone and (folder != store.checkpoints or _is_over(path)):
                yield Removal(path, "a copy of what the shared store has no more", here)


def _find_deleted(store: Store) -> Iterator[Removal]:
    """What belongs to runs that MLflow says are deleted, or does not know; and models that it does not know."""
    files = store.files
    experiments = files.within(store.artifacts)
    models = _find_named(MODEL_ID, files, (experiment / "models" for experiment in experiments))
    folders = _find_named(RUN_ID, files, experiments)
    sources = tracking.sources(models)
    gone = tracking.find_gone({*folders, *filter(None, sources.values())})
    for name, path in sorted(models.items()):
        if name not in sources or sources[name] in gone:
            yield Removal(path, "a model whose run was removed", files)
    for name in sorted(gone & folders.keys()):
        yield Removal(folders[name], "artifacts of a removed run", files)


def _untold(store: Store) -> Iterator[Removal]:
    """What removed runs had still to tell MLflow. Of a run that it does not know another MLflow may know."""
    for path in journals(store.root):
        run = tracking.run_of(path.stem)
        if run is not None and run.info.lifecycle_stage == "deleted":
            yield Removal(path, "what a removed run had to tell MLflow", OwnFiles())


def _find_named(form: re.Pattern[str], files: StoreFiles, folders: Iterable[Path]) -> dict[str, Path]:
    """What lies in these folders and is called like a run, or like a model: nothing else is MLflow's to speak of."""
    there = (path for folder in folders for path in files.within(folder))
    return {path.name: path for path in there if form.fullmatch(path.name)}
