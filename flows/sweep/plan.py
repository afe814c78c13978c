"""What a sweep is asked: base experiment, space, method, measure; and what each of its points would run.

Knows experiments and keys. Starts nothing.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from daecore.errors import InputError
from daecore.experiment.experiment import Experiment, parse
from daecore.experiment.feasibility import check
from daecore.experiment.provenance import provenance, used_by
from daecore.plugin.spec import digest

from . import measures
from .dimensions import Dimension
from .search_space import Point, change, grid, parse_space

Method = Literal["grid", "random", "tpe"]


@dataclass(frozen=True)
class Candidate:
    """A point as an experiment, or the reason why it is none.

    Attributes:
        point: A value per path.
        experiment: What it runs, or None.
        reason: Why it cannot be run; empty where it can.
        stamp: What its results depend on besides the seed: experiment, code, plugins, files.
    """

    point: Point
    experiment: Experiment | None
    reason: str = ""
    stamp: str = ""


@dataclass(frozen=True)
class SweepPlan:
    """A whole sweep, before it is begun."""

    base: Experiment
    space: tuple[Dimension, ...]
    method: Method
    trials: int
    seeds: int
    measure: str
    seed: int

    @property
    def paths(self) -> tuple[str, ...]:
        """Which places are varied."""
        return tuple(dimension.path for dimension in self.space)

    @property
    def question(self) -> dict[str, Any]:
        """What it was asked, fit for JSON and for MLflow's parameters."""
        return {
            "space": {dimension.path: dimension.describe() for dimension in self.space},
            **{name: getattr(self, name) for name in ("method", "trials", "seeds", "measure", "seed")},
        }

    @cached_property
    def key(self) -> str:
        """SHA-256 of the question and the base: the same question is the same sweep."""
        return digest([self.base.model_dump(mode="json"), self.question])

    @property
    def chooses(self) -> bool:
        """Whether its figures answer one question, so that there is a best."""
        return measures.comparable(self.measure, self.paths)

    @property
    def title(self) -> str:
        """A short name: ``sweep digits erasure(p=0.5) conv-16 over erasure.p``."""
        names = ", ".join(path.rpartition(".")[2] for path in self.paths)
        return f"sweep {self.base.title} over {names}"

    def candidate(self, point: Point) -> Candidate:
        """What a point would run, checked without data."""
        from ..stages.dataset import dataset_request  # with Prefect, which refusing a sweep does not need
        from ..stages.every import code_digests

        try:
            experiment = parse(change(self.base, point))
            check(experiment)
        except InputError as error:
            return Candidate(point, None, reason=str(error))
        parts = [
            experiment.digest,
            dataset_request(experiment).key.model_dump(mode="json"),
            provenance(used_by(experiment)),
            code_digests(),
        ]
        return Candidate(point, experiment, stamp=digest(parts))


def plan(
    base: Experiment, space: tuple[str, ...], method: Method, trials: int, seeds: int, measure: str, seed: int
) -> SweepPlan:
    """A sweep that can be begun.

    Raises:
        InputError: The space, the measure or the method does not fit.
    """
    dimensions = parse_space(space, base)
    measures.require_measure(measure, base)
    count = len(grid(dimensions)) if method == "grid" else trials
    found = SweepPlan(base, dimensions, method, count, seeds, measure, seed)
    if seeds > 1 and "seed" in found.paths:
        raise InputError("The space varies the seed, and seeds is more than 1, which does the same; keep one of them.")
    if method == "tpe" and not found.chooses:
        raise InputError(
            f"The method tpe looks for the best {measure}, and there is none: the space changes the task "
            f"({', '.join(found.paths)}). Choose the method grid or random, which only compare."
        )
    return found
