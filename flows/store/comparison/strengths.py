"""Curves over a corruption's strength: runs that differ in nothing else, such as a sweep's.

Knows what was read from runs (see `candidates`). Draws nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from daecore.errors import DaecoreError
from daecore.plugin.spec import digest, spec
from daecore.rng import stream
from daecore.stats.intervals import Interval, bootstrap, student

from .candidates import Candidate
from .compared import StrengthCurve, StrengthPoint

Members = dict[float, dict[int, Candidate]]  # by strength, then by seed
LEAST = 2  # strengths of a curve


def strength_curves(candidates: Sequence[Candidate]) -> tuple[StrengthCurve, ...]:
    """A curve for each set of runs on the same data that differ only in one corruption's strength, and in seeds.

    Of a strength and seed given twice the first run counts.
    """
    found: dict[str, tuple[str, Members]] = {}
    for one in candidates:
        for key, option, strength in _without_strength(one):
            members = found.setdefault(key, (option, {}))[1]
            members.setdefault(strength, {}).setdefault(one.seed, one)
    return tuple(_curve(option, members) for option, members in found.values() if len(members) >= LEAST)


def _without_strength(one: Candidate) -> Iterator[tuple[str, str, float]]:
    """For each corruption that has a strength: what remains of the run without it, the option, its value."""
    corruptions: Sequence[Mapping[str, Mapping[str, Any]]] = one.experiment.get("corruptions", ())
    rest = {name: value for name, value in one.experiment.items() if name not in ("seed", "corruptions")}
    for position, item in enumerate(corruptions):
        ((name, options),) = item.items()
        option = _option(name)
        if isinstance(options.get(option), int | float):
            others = {key: value for key, value in options.items() if key != option}
            chain = [*corruptions[:position], {name: others}, *corruptions[position + 1 :]]
            yield digest([rest, chain, position, one.dataset]), f"{name}.{option}", float(options[option])


def _option(corruption: str) -> str:
    """The name of a corruption's strength; empty where it has none, or is not installed any more."""
    try:
        strength = spec("corruption", corruption).extension.strength
    except DaecoreError:
        return ""
    return strength.option if strength else ""


def _curve(option: str, members: Members) -> StrengthCurve:
    images = all("psnr_db" in one.scores for runs in members.values() for one in runs.values())
    points = tuple(_point(strength, list(runs.values()), images=images) for strength, runs in sorted(members.items()))
    return StrengthCurve(option=option, unit="dB" if images else "squared error", points=points)


def _point(strength: float, runs: Sequence[Candidate], *, images: bool) -> StrengthPoint:
    """Over seeds where there are several: luck in training is then in the interval, too."""
    restored, corrupted = ("psnr_db", "corrupted_db") if images else ("mse", "corrupted_mse")
    gains = [one.gain for one in runs if one.gain is not None]
    gain = gains[0] if gains else None
    values = {"restored": _over_samples(runs[0], restored)}
    if len(runs) > 1:
        values["restored"] = student([_mean(one, restored) for one in runs])
        gain = student([each.mean for each in gains]) if len(gains) == len(runs) else None
    if corrupted in runs[0].scores:  # the same for every seed
        values["corrupted"] = _over_samples(runs[0], corrupted)
    return StrengthPoint(
        strength=strength, runs=tuple(one.run_id for one in runs), over="seeds" if len(runs) > 1 else "test samples",
        values={**values, **({"gain": gain} if gain else {})},
    )  # fmt: skip


def _mean(one: Candidate, column: str) -> float:
    return float(one.scores[column].mean())


def _over_samples(one: Candidate, column: str) -> Interval:
    return bootstrap(one.scores[column], generator=stream(0, "strength", column, one.run_id))
