"""Comparison of runs: what MLflow cannot say, as one value: paired differences with intervals, and what differs.

Knows what was read from runs (see `candidates`). Reads nothing itself, and shows nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daecore.errors import InputError
from daecore.plugin.spec import digest
from daecore.rng import stream
from daecore.stats.claims import LEAST, is_claim
from daecore.stats.intervals import Interval, bootstrap, student

from .candidates import Candidate
from .compared import Claim, ComparedRun, Comparison, Difference, Group, GroupDifference, Measure
from .settings import Settings, apart, differing
from .strengths import strength_curves

OVER_IMAGES = (
    "Intervals of runs are over test samples. They say nothing about luck in training: "
    "a claim about methods needs several seeds of each."
)
OTHER_NOISE = (
    "Runs paired by image under different noise had different tasks: their difference says how much harder one is, "
    "not which network is better."
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
    settings = differing(candidates)
    return Comparison(
        measures=tuple({measure.column: measure for one in candidates for measure in one.measures}.values()),
        runs=tuple(_row(first, one, settings) for one in candidates),
        differences=differences,
        groups=tuple(_group(members) for members in groups) if any(len(members) > 1 for members in groups) else (),
        group_differences=over_seeds,
        curves=strength_curves(candidates),
        settings=settings,
        left_out=missing,
        notes=tuple(_notes(candidates, groups, differences, over_seeds)),
    )


def pair_scores(first: Candidate, other: Candidate, measure: Measure) -> NDArray[Any]:
    """The other run's scores minus the first one's, per test sample: ``(N,)``."""
    there, here = (np.asarray(one.scores[measure.column], np.float64) for one in (other, first))
    return np.subtract(there, here)


def shared_measures(first: Candidate, other: Candidate) -> list[Measure]:
    """What both can be compared by."""
    there = {measure.column for measure in other.measures}
    return [measure for measure in first.measures if measure.column in there]


def same_pairs(first: Candidate, other: Candidate) -> bool:
    """Whether both were evaluated on the very same pairs."""
    return first.evaluation == other.evaluation


def same_images(first: Candidate, other: Candidate) -> bool:
    """Whether the i-th sample of both is the same clean one: the data's digest is over all of it, in its order."""
    same_data = bool(first.dataset) and first.dataset == other.dataset
    return same_pairs(first, other) or (same_data and len(first.scores["mse"]) == len(other.scores["mse"]))


def same_task(first: Candidate, other: Candidate) -> bool:
    """Whether both undid the same corruption; then the one that restores more is the better one."""
    return same_pairs(first, other) or first.experiment.get("corruptions") == other.experiment.get("corruptions")


def _differences(first: Candidate, others: Sequence[Candidate]) -> Iterator[Difference]:
    for other in others:
        for measure in shared_measures(first, other) if same_images(first, other) else []:
            generator = stream(0, "comparison", measure.column, first.run_id, other.run_id)
            interval = bootstrap(pair_scores(first, other, measure), generator=generator)
            yield Difference(
                first=first.run_id, other=other.run_id, measure=measure, difference=interval,
                claim=_claim(interval, measure, alike=same_task(first, other)),
                other_noise=not same_pairs(first, other),
            )  # fmt: skip


def _claim(difference: Interval, measure: Measure, *, alike: bool) -> Claim:
    """What may be said; of networks that had different tasks, only which number is higher."""
    if not is_claim(difference):
        return "no difference is claimed"
    if not alike:
        return "higher" if difference.mean > 0 else "lower"
    return "better" if (difference.mean > 0) == measure.more_is_better else "worse"


def _row(first: Candidate, one: Candidate, settings: Settings) -> ComparedRun:
    return ComparedRun(
        run_id=one.run_id, name=one.name, apart=apart(one, settings), seed=one.seed, samples=len(one.scores["mse"]),
        evaluation=one.evaluation, means=one.means, training_seconds=one.seconds, unpaired=_why_unpaired(first, one),
        other_noise=same_images(first, one) and not same_pairs(first, one),
    )  # fmt: skip


def _why_unpaired(first: Candidate, one: Candidate) -> str:
    """Why two runs cannot be paired; empty where they can."""
    if same_images(first, one):
        return ""
    differs = {
        "other data": one.dataset != first.dataset,
        "another corruption": not same_task(first, one),
        "another number of test samples": len(one.scores["mse"]) != len(first.scores["mse"]),
    }
    what = " and ".join(reason for reason, true in differs.items() if true) or "data that are not named"
    return f"evaluated on {what}: not paired"


def _groups(candidates: Sequence[Candidate]) -> list[dict[int, Candidate]]:
    """Runs of one experiment by seed, in their order; of a seed given twice, the first run."""
    groups: dict[str, dict[int, Candidate]] = {}
    for one in candidates:
        settings = {name: value for name, value in one.experiment.items() if name not in ("seed", "metrics")}
        groups.setdefault(digest([settings, one.evaluation]), {}).setdefault(one.seed, one)
    return list(groups.values())


def _group(members: Mapping[int, Candidate]) -> Group:
    runs = list(members.values())
    columns = [it.column for it in runs[0].measures if all(it.column in one.scores for one in runs)]
    means = {column: student([one.means[column] for one in runs]) for column in columns} if len(runs) > 1 else {}
    return Group(name=runs[0].name, runs=tuple(one.run_id for one in runs), seeds=tuple(members), means=means)


def _group_differences(groups: Sequence[Mapping[int, Candidate]]) -> Iterator[GroupDifference]:
    first = groups[0]
    head = next(iter(first.values()))
    for position, other in enumerate(groups[1:], 1):
        seeds = tuple(seed for seed in first if seed in other)
        one = next(iter(other.values()))
        for measure in shared_measures(head, one) if same_images(head, one) and len(seeds) > 1 else []:
            interval = student([other[s].means[measure.column] - first[s].means[measure.column] for s in seeds])
            yield GroupDifference(
                first=0, other=position, seeds=seeds, measure=measure, difference=interval,
                claim=_claim(interval, measure, alike=same_task(head, one)), other_noise=not same_pairs(head, one),
            )  # fmt: skip


def _notes(
    candidates: Sequence[Candidate],
    groups: Sequence[Mapping[int, Candidate]],
    differences: Sequence[Difference],
    over_seeds: Sequence[GroupDifference],
) -> Iterator[str]:
    """What must be known to read the numbers."""
    if differences:
        yield OVER_IMAGES
    compared = {item.other for item in differences}
    if any(one.run_id in compared and not same_task(candidates[0], one) for one in candidates):
        yield OTHER_NOISE
    less = dict.fromkeys(item.measure.label for item in differences if not item.measure.more_is_better)
    if less:
        yield f"Less is better: {', '.join(less)}."
    fewest = min((len(item.seeds) for item in over_seeds), default=LEAST)
    if fewest < LEAST:
        yield f"{fewest} common seeds are few: of methods nothing is claimed from fewer than {LEAST}."
    twice = len(candidates) - sum(len(members) for members in groups)
    if twice:
        yield f"{twice} run(s) repeat an experiment and seed that is there already; they do not count as another seed."
