"""A sweep under way: which run is made next, what became of each, and the record of it all.

Knows plans, proposals and workers. Where figures are written for people is `sweep_report`.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from prefect import task

from daecore.errors import DaecoreError, DataError, StoreError
from daecore.experiment.experiment import Experiment
from daecore.plugin.spec import digest
from daecore.training.joining import RankLost

from ..artifacts import SweepProgress
from ..store.final_report import Reported
from ..store.store import Store
from ..workers.chosen import AnyWorkers
from ..workers.workers import WorkerDied
from . import measures, sweep_report
from .plan import Candidate, SweepPlan
from .proposals import Proposals, proposals
from .search_space import Point
from .trials import SeedRun, SweepRecord, Trial

log = logging.getLogger("daecore.progress")


@dataclass(frozen=True)
class Job:
    """One run that is to be made."""

    trial: int
    seed: int


@dataclass
class Search:
    """The sweep under way: what is asked for next, what is under way, what is known."""

    asked: SweepPlan
    recipe: str
    store: Store
    record: SweepRecord
    jobs: deque[Job] = field(default_factory=deque)
    experiments: dict[int, Experiment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        higher = measures.higher_is_better(self.asked.measure)
        done = [(trial.point, trial.value) for trial in self.record.trials if trial.state != "open"]
        self.proposals: Proposals = proposals(self.asked, done, higher=higher)
        self.known = {digest(trial.point): trial for trial in self.record.trials}
        self.waiting = list(self._points())
        self.steps = SweepProgress(self.asked.trials)

    @property
    def whole(self) -> bool:
        """Whether nothing is left to do."""
        if self.asked.method == "tpe" and len(self.record.trials) < self.asked.trials:
            return False
        found = [self.known.get(digest(point)) for point in self.waiting]
        return all(trial is not None and trial.state != "open" for trial in found)

    def run(self, workers: AnyWorkers[Job]) -> None:
        """Make every run there is to be made; what cannot be run is told before anything is begun."""
        log.info("trials", extra={"stage": "trials"})
        for point in self.waiting:
            self._begin(self.asked.candidate(point))
        if self.jobs:
            log.info("trials: %d runs to be made", len(self.jobs))
        for job in self.jobs:
            workers.require_room(self.experiments[job.trial].training)
        while True:
            while workers.idle and self._fill():
                job = self.jobs.popleft()
                workers.submit(job, run_trial, self._parameters(job), self.experiments[job.trial].training)
            if not workers.busy:
                break
            self._end(*workers.wait())
        log.info("trials: done", extra={"end": "trials"})

    def _points(self) -> Iterator[Point]:
        """What is known to be looked at: all points of a list; for tpe those that an earlier process left open."""
        if self.asked.method == "tpe":
            yield from (trial.point for trial in self.record.trials if trial.state == "open")
            return
        while (point := self.proposals.ask()) is not None:
            yield point

    def _fill(self) -> bool:
        """Whether a run waits to be made, after asking for points where none does."""
        while not self.jobs:
            more = self.asked.method == "tpe" and len(self.record.trials) < self.asked.trials
            point = self.proposals.ask() if more else None
            if point is None:
                return False
            self._begin(self.asked.candidate(point))
        return True

    def _begin(self, candidate: Candidate) -> None:
        """Queue what a point lacks; nothing where it is known, or cannot be run."""
        trial = self.known.get(digest(candidate.point)) or Trial(
            number=1 + max((trial.number for trial in self.record.trials), default=0),
            point=dict(candidate.point),
            stamp=candidate.stamp,
            seeds=self.asked.seeds,
            refused=candidate.reason,
        )
        self._keep(trial)
        if candidate.experiment is None:
            self._tell(trial)
            return
        self.experiments[trial.number] = candidate.experiment
        made = {run.seed for run in trial.runs}
        first = candidate.experiment.seed
        self.jobs.extend(Job(trial.number, seed) for seed in range(first, first + trial.seeds) if seed not in made)

    def _parameters(self, job: Job) -> dict[str, Any]:
        values = self.experiments[job.trial].model_copy(update={"seed": job.seed}).model_dump(mode="json")
        return {
            "number": job.trial, "values": values, "recipe": self.recipe, "parent": self.record.run_id,
            "key": self.asked.key,
        }  # fmt: skip

    def _end(self, job: Job, result: Any) -> None:
        """Note what became of a run."""
        trial = next(trial for trial in self.record.trials if trial.number == job.trial)
        trial = trial.with_run(_seed_run(job, result, self.asked.measure))
        self._keep(trial)
        if trial.state != "open":
            self._tell(trial)

    def _keep(self, trial: Trial) -> None:
        self.known[digest(trial.point)] = trial
        self.record = self.record.with_trial(trial)
        self.record.save(self.store)

    def _tell(self, trial: Trial) -> None:
        """Tell the method, the screen and Prefect's page."""
        self.proposals.tell(trial.point, trial.value)
        done = sum(item.state != "open" for item in self.record.trials)
        log.info(
            "trials: %d of %d: %s", done, self.asked.trials, sweep_report.sentence(self.asked, trial),
            extra={"progress": ("trials", done, self.asked.trials)},
        )  # fmt: skip
        self.steps.update(done)


@task(name="trial", task_run_name="trial {number}", persist_result=False)
def run_trial(number: int, values: dict[str, Any], recipe: str, parent: str, key: str) -> tuple[Reported, float]:
    """One run of `denoise`, in a worker process; its report and its seconds."""
    from ..pipeline import denoise
    from ..store.tracking import tag
    from ..workers.workers import at_work

    def work() -> Reported:
        reported: Reported = denoise(**values, recipe=recipe, parent=parent)
        tag(reported.run_id, {"sweep": key, "trial": str(number)})
        return reported

    began = time.perf_counter()
    return at_work(work), time.perf_counter() - began


def _seed_run(job: Job, result: Any, measure: str) -> SeedRun:
    """What became of a run, as it is kept."""
    try:
        if isinstance(result, Exception):
            raise result
        reported, seconds = result
        value = measures.figure_of(reported.run_id, measure)
    except (RankLost, StoreError, DataError) as error:  # a full disk or a server may be mended: it is tried again
        return SeedRun(seed=job.seed, state="crashed", reason=str(error))
    except DaecoreError as error:
        return SeedRun(seed=job.seed, state="failed", reason=str(error))
    except Exception as error:
        kind = "" if isinstance(error, WorkerDied) else f"{type(error).__name__}: "
        said = " ".join(str(error).split())[:500]
        return SeedRun(seed=job.seed, state="crashed", reason=f"{kind}{said}")
    return SeedRun(seed=job.seed, state="finished", value=value, run_id=reported.run_id, seconds=seconds)
