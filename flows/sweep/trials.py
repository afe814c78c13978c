"""The record of a sweep: a trial per point, a run per seed; written whole after each, so that it can go on."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from daecore.record import Record
from daecore.stats.intervals import Interval, student

from ..store.files import write_atomically
from ..store.store import Store
from .plan import Candidate, SweepPlan

State = Literal["finished", "failed", "crashed", "refused", "open"]


class SeedRun(Record):
    """One run of `denoise` with one seed.

    Attributes:
        seed: The experiment's seed.
        state: ``failed`` where daecore said why, and would again; ``crashed`` where anything else ended it, as a full
            disk: with the same command it is run again.
        value: Its figure.
        run_id: Its MLflow run; empty where it did not finish.
        reason: What ended it.
        seconds: How long it took.
    """

    seed: int
    state: Literal["finished", "failed", "crashed"]
    value: float | None = None
    run_id: str = ""
    reason: str = ""
    seconds: float = 0


class Trial(Record):
    """One point of the space.

    Attributes:
        number: From 1, in the order in which they were chosen.
        point: A value per path.
        stamp: What its results depend on; another stamp is another result.
        seeds: How many runs it takes.
        refused: Why it could not be begun.
        runs: Its runs so far.
    """

    number: int
    point: dict[str, Any]
    stamp: str
    seeds: int
    refused: str = ""
    runs: tuple[SeedRun, ...] = ()

    @property
    def state(self) -> State:
        """What became of it: the worst of its runs."""
        if self.refused:
            return "refused"
        states = {run.state for run in self.runs}
        if len(self.runs) < self.seeds:
            return "open"
        return "crashed" if "crashed" in states else "failed" if "failed" in states else "finished"

    @property
    def reason(self) -> str:
        """Why it has no figure."""
        return self.refused or "; ".join(dict.fromkeys(run.reason for run in self.runs if run.reason))

    @property
    def value(self) -> float | None:
        """Its figure, the mean over its seeds; None where any of them has none."""
        values = [run.value for run in self.runs if run.value is not None]
        return sum(values) / len(values) if self.state == "finished" else None

    @property
    def interval(self) -> Interval | None:
        """Student's 95 % interval over its seeds, of two or more."""
        values = [run.value for run in self.runs if run.value is not None]
        return student(values) if self.state == "finished" and len(values) > 1 else None

    def with_run(self, run: SeedRun) -> "Trial":
        """The trial with one run more."""
        return self.model_copy(update={"runs": tuple(sorted((*self.runs, run), key=lambda item: item.seed))})


class SweepRecord(Record):
    """A sweep as far as it has come.

    Attributes:
        key: Its plan's key.
        question: What it was asked.
        run_id: Its MLflow run.
        trials: In the order of their numbers.
    """

    key: str
    question: dict[str, Any]
    run_id: str = ""
    trials: tuple[Trial, ...] = ()

    def save(self, store: Store) -> None:
        """Write it, whole or not at all."""
        path = _path(store, self.key)
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, self.model_dump_json(indent=1))

    def with_trial(self, trial: Trial) -> "SweepRecord":
        """The record with a trial in the place of its number."""
        others = [item for item in self.trials if item.number != trial.number]
        return self.model_copy(update={"trials": tuple(sorted((*others, trial), key=lambda item: item.number))})


def load_record(plan: SweepPlan, store: Store) -> SweepRecord:
    """The sweep as far as an earlier process came with it: a new one where there is none, or it cannot be read."""
    path = _path(store, plan.key)
    try:
        return SweepRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return SweepRecord(key=plan.key, question=plan.question)


def still_true(trial: Trial, candidate: Candidate, there: Collection[str]) -> Trial:
    """A recorded trial without what is to be done again: all of it where code, plugins or files are others now.

    Args:
        trial: As recorded.
        candidate: What its point would run now.
        there: The ids of those MLflow runs that are finished and were not removed.
    """
    same = trial.stamp == candidate.stamp
    kept = [
        run
        for run in trial.runs
        if same and (run.state == "failed" or (run.state == "finished" and run.run_id in there))
    ]
    return trial.model_copy(update={"stamp": candidate.stamp, "refused": candidate.reason, "runs": tuple(kept)})


def best(trials: Sequence[Trial], *, higher: bool) -> Trial | None:
    """The finished trial with the best figure, the first of equals; None where none finished."""
    finished = [trial for trial in trials if trial.value is not None]
    return min(finished, key=lambda trial: (trial.value or 0) * (-1 if higher else 1), default=None)


def _path(store: Store, key: str) -> Path:
    return store.root / "sweeps" / f"{key}.json"
