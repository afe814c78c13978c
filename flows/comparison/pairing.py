"""Comparison of runs: what MLflow cannot say, as one value: paired differences with intervals, and what differs.

Knows what was read from runs (see `candidates`). Reads nothing itself, and shows nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daecore.errors import InputError
from daecore.intervals import Interval, bootstrap, student
from daecore.rng import stream
from daecore.spec import digest

from ..tracking import flatten
from .candidates import Candidate
from .compared import MEASURES, Claim, ComparedRun, Comparison, Difference, Group, GroupDifference, Measure

FEW = 5  # seeds below which a claim about methods is weak
OVER_IMAGES = (
    "Intervals of runs are over test samples. They say nothing about luck in training: "
    "a claim about methods needs several seeds of each."
)


def compare(candidates: Sequence[Candidate], left_out: Mapping[str, str] | None = None) -> Comparison:
    """Compare runs with the first of them.

    Args:
        candidates: The runs.
        left_out: What was asked for and could not be read, with the reason.

    Raises:
        InputError: There are fewer than two.
    """
    missing = dict(left_out or {})
    if len(candidates) < 2:
        why = " ".join(f"{name}: {reason}" for name, reason in missing.items())
        raise InputError(
            f"A comparison needs two different runs with a report, and got {len(candidates)}. {why}".strip()
        )
    first = candidates[0]
    differences = tuple(_differences(first, candidates[1:]))
    groups = _groups(candidates)
    over_seeds = tuple(_group_differences(groups))
    used = {column for one in candidates for column in one.means}
    return Comparison(
        measures=tuple(measure for measure in MEASURES if measure.column in used),
        runs=tuple(_row(first, one) for one in candidates),
        differences=differences,
        groups=tuple(_group(members) for members in groups) if any(len(members) > 1 for members in groups) else (),
        group_differences=over_seeds,
        settings=_settings(candidates),
        left_out=missing,
        notes=tuple(_notes(candidates, groups, differences, over_seeds)),
    )


def paired(first: Candidate, other: Candidate, measure: Measure) -> NDArray[Any]:
    """The other run's scores minus the first one's, per test sample: ``(N,)``."""
    there, here = (np.asarray(one.scores[measure.column], np.float64) for one in (other, first))
    return np.subtract(there, here)


def _differences(first: Candidate, others: Sequence[Candidate]) -> Iterator[Difference]:
    for other in others:
        for measure in first.measures if other.evaluation == first.evaluation else []:
            generator = stream(0, "comparison", measure.column, first.run_id, other.run_id)
            interval = bootstrap(paired(first, other, measure), generator=generator)
            yield Difference(
                first=first.run_id, other=other.run_id, measure=measure, difference=interval,
                claim=_claim(interval, measure),
            )  # fmt: skip


def _claim(difference: Interval, measure: Measure) -> Claim:
    if not difference.conclusive:
        return "no difference is claimed"
    return "better" if (difference.mean > 0) == measure.more_is_better else "worse"


def _row(first: Candidate, one: Candidate) -> ComparedRun:
    return ComparedRun(
        run_id=one.run_id, name=one.name, seed=one.seed, samples=len(one.scores["mse"]), evaluation=one.evaluation,
        means=one.means, training_seconds=one.seconds, unpaired=_unpaired(first, one),
    )  # fmt: skip


def _unpaired(first: Candidate, one: Candidate) -> str:
    """Why two runs cannot be paired; empty where they can."""
    if one.evaluation == first.evaluation:
        return ""
    reasons = ["other data"] if one.dataset != first.dataset else []
    reasons += (
        ["another corruption"] if one.experiment.get("corruptions") != first.experiment.get("corruptions") else []
    )
    what = " and ".join(reasons) or "other pairs of the same data and corruption, drawn by another version of the code"
    return f"judged on {what}: not paired"


def _groups(candidates: Sequence[Candidate]) -> list[dict[int, Candidate]]:
    """Runs of one experiment by seed, in their order; of a seed given twice, the first run."""
    groups: dict[str, dict[int, Candidate]] = {}
    for one in candidates:
        settings = {name: value for name, value in one.experiment.items() if name != "seed"}
        groups.setdefault(digest([settings, one.evaluation]), {}).setdefault(one.seed, one)
    return list(groups.values())


def _group(members: Mapping[int, Candidate]) -> Group:
    runs = list(members.values())
    columns = [measure.column for measure in runs[0].measures]
    means = {column: student([one.means[column] for one in runs]) for column in columns} if len(runs) > 1 else {}
    return Group(name=runs[0].name, runs=tuple(one.run_id for one in runs), seeds=tuple(members), means=means)


def _group_differences(groups: Sequence[Mapping[int, Candidate]]) -> Iterator[GroupDifference]:
    first = groups[0]
    head = next(iter(first.values()))
    for position, other in enumerate(groups[1:], 1):
        seeds = tuple(seed for seed in first if seed in other)
        same = next(iter(other.values())).evaluation == head.evaluation
        for measure in head.measures if same and len(seeds) > 1 else []:
            interval = student([other[s].means[measure.column] - first[s].means[measure.column] for s in seeds])
            yield GroupDifference(
                first=0, other=position, seeds=seeds, measure=measure, difference=interval,
                claim=_claim(interval, measure),
            )  # fmt: skip


def _settings(candidates: Sequence[Candidate]) -> dict[str, dict[str, str]]:
    """Options and facts that are not the same in all runs: by name, then by run."""
    flat = {one.run_id: _flat(one) for one in candidates}
    names = dict.fromkeys(name for values in flat.values() for name in values)
    rows = {name: {run: values.get(name, "-") for run, values in flat.items()} for name in names}
    return {name: row for name, row in rows.items() if len(set(row.values())) > 1}


def _flat(one: Candidate) -> dict[str, str]:
    options = {name: "chosen" if value == {} else _written(value) for name, value in flatten(one.experiment)}
    return {**options, "dataset sha256": one.dataset[:12], **one.facts}


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _notes(
    candidates: Sequence[Candidate],
    groups: Sequence[Mapping[int, Candidate]],
    differences: Sequence[Difference],
    over_seeds: Sequence[GroupDifference],
) -> Iterator[str]:
    """What must be known to read the numbers."""
    if differences:
        yield OVER_IMAGES
    if any(not item.measure.more_is_better for item in differences):
        yield "Of squared errors, less is better."
    fewest = min((len(item.seeds) for item in over_seeds), default=FEW)
    if fewest < FEW:
        yield f"{fewest} common seeds are few: take {FEW} at the least before you rely on a claim about methods."
    twice = len(candidates) - sum(len(members) for members in groups)
    if twice:
        yield f"{twice} run(s) repeat an experiment and seed that is there already; they do not count as another seed."
