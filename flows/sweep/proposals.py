"""Which point of the space comes next: from a list made at the beginning, or chosen by what the others gave (TPE).

The one door to optuna. Knows points and figures, and nothing of what runs them.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from daecore.plugin.spec import digest

from .dimensions import Choices, Dimension
from .plan import SweepPlan
from .search_space import Point, grid

REPEATS = 200  # draws in a row that were there before: the space has no more


class Proposals(Protocol):
    """Where the next point comes from."""

    def ask(self) -> Point | None:
        """The next point; None where there is none."""

    def tell(self, point: Point, value: float | None) -> None:
        """What a point gave; None for one that failed."""


class Listed:
    """Points that were all known at the beginning."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.waiting = list(reversed(points))

    def ask(self) -> Point | None:
        """The next of the list."""
        return self.waiting.pop() if self.waiting else None

    def tell(self, point: Point, value: float | None) -> None:
        """Changes nothing."""


class Guided:
    """Points chosen by a tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) from what came before."""

    def __init__(
        self, space: Sequence[Dimension], earlier: Sequence[tuple[Point, float | None]], *, seed: int, higher: bool
    ):
        sampler = optuna.samplers.TPESampler(seed=seed + len(earlier))  # else it began with the same draws again
        self.study = _study(sampler, higher=higher)
        self.space = space
        self.asked: dict[str, optuna.Trial] = {}
        self.given: dict[str, float | None] = {}
        for point, value in earlier:
            self.given[digest(point)] = value
            self._add(point, value)

    def ask(self) -> Point | None:
        """The most promising point that was not asked for before."""
        for _ in range(REPEATS):
            trial = self.study.ask(_distributions(self.space))
            point = _point(self.space, trial.params)
            name = digest(point)
            if name not in self.asked and name not in self.given:
                self.asked[name] = trial
                return point
            _tell(self.study, trial, self.given.get(name))
        return None

    def tell(self, point: Point, value: float | None) -> None:
        """Learn from a point's figure."""
        name = digest(point)
        self.given[name] = value
        if name in self.asked:
            _tell(self.study, self.asked.pop(name), value)
        else:
            self._add(point, value)

    def _add(self, point: Point, value: float | None) -> None:
        state = TrialState.COMPLETE if value is not None else TrialState.FAIL
        parameters = _parameters(self.space, point)
        self.study.add_trial(
            create_trial(state=state, value=value, params=parameters, distributions=_distributions(self.space))
        )


def proposals(plan: SweepPlan, earlier: Sequence[tuple[Point, float | None]], *, higher: bool) -> Proposals:
    """Where a plan's points come from.

    Args:
        plan: The sweep.
        earlier: Points of an earlier process, with their figures.
        higher: Whether more of the measure is better.
    """
    if plan.method == "grid":
        return Listed(grid(plan.space))
    if plan.method == "random":
        return Listed(draw_points(plan.space, plan.trials, plan.seed))
    return Guided(plan.space, earlier, seed=plan.seed, higher=higher)


def draw_points(space: Sequence[Dimension], count: int, seed: int) -> list[Point]:
    """Points drawn at random, no two alike; fewer where the space has no more."""
    study, found = _study(optuna.samplers.RandomSampler(seed=seed), higher=False), dict[str, Point]()
    repeats = 0
    while len(found) < count and repeats < REPEATS:
        point = _point(space, study.ask(_distributions(space)).params)
        repeats = repeats + 1 if digest(point) in found else 0
        found.setdefault(digest(point), point)
    return list(found.values())


def _study(sampler: optuna.samplers.BaseSampler, *, higher: bool) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=sampler, direction="maximize" if higher else "minimize")


def _tell(study: optuna.Study, trial: optuna.Trial, value: float | None) -> None:
    study.tell(trial, value, state=TrialState.COMPLETE if value is not None else TrialState.FAIL)


def _distributions(space: Sequence[Dimension]) -> dict[str, BaseDistribution]:
    return {dimension.path: _distribution(dimension) for dimension in space}


def _distribution(dimension: Dimension) -> BaseDistribution:
    """Choices by their position: optuna takes no lists and mappings."""
    if isinstance(dimension, Choices):
        return CategoricalDistribution(list(range(len(dimension.values))))
    if dimension.whole:
        return IntDistribution(
            int(dimension.low), int(dimension.high), log=dimension.log, step=int(dimension.step or 1)
        )
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)


def _point(space: Sequence[Dimension], parameters: dict[str, Any]) -> Point:
    return {
        dimension.path: dimension.values[parameters[dimension.path]]
        if isinstance(dimension, Choices)
        else parameters[dimension.path]
        for dimension in space
    }


def _parameters(space: Sequence[Dimension], point: Point) -> dict[str, Any]:
    return {
        dimension.path: dimension.values.index(point[dimension.path])
        if isinstance(dimension, Choices)
        else point[dimension.path]
        for dimension in space
    }
