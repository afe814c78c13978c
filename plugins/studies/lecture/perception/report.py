"""Distortion against perception as numbers, pictures, tables and sentences. Does not train."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from daecore.plots import GREY, Point, panel, png, scatter
from daecore.stats import Interval, format_interval, is_claim, student
from daecore.study import Measured, Picture, Table

from .digits import BETWEEN, FROM_THE_MEAN, MEAN, SAMPLE, Digits
from .law import Law, MeasuredEstimator, fit_laws
from .plane import BEST, SAMPLES

HEAD = ("way", "estimator", "perception", "distortion over the mean's")
Ways = Mapping[str, Mapping[str, MeasuredEstimator]]


def figures(where: str, ways: Ways, fitted: Mapping[str, Sequence[Law]]) -> Iterator[tuple[str, Measured]]:
    """The numbers by name: ``distortion.digits.fewer-steps.5``, and the laws'."""
    for way, found in ways.items():
        for label, measured in found.items():
            perception, distortion = measured.intervals
            name = f"{where}.{_name(way)}.{_name(label)}"
            yield f"perception.{name}", Measured.of(perception)
            yield f"distortion.{name}", Measured.of(distortion)
    for way, laws in fitted.items():
        yield f"law_r2.{where}.{_name(way)}", Measured.of(student([law.r2 for law in laws]))
        yield f"law_curvature.{where}.{_name(way)}", Measured.of(student([law.curvature for law in laws]))


def table(title: str, ways: Ways) -> Table:
    """A row for each estimator."""
    rows = [
        (way, label, *(format_interval(it, ".3f") for it in measured.intervals))
        for way, found in ways.items()
        for label, measured in found.items()
    ]
    return Table(title, HEAD, tuple(rows))


def chart(name: str, ways: Ways, fitted: Mapping[str, Sequence[Law]], label: str, caption: str) -> Picture:
    """Distortion against perception, every estimator a point, and the laws as grey lines along their ways."""
    series = {way: [Point(at, *measured.intervals) for at, measured in found.items()] for way, found in ways.items()}
    figure = scatter(series, label, "squared error over the mean's", {"a perfect sample of the posterior": 2.0})
    for way, laws in fitted.items():
        mean, curvature = (float(np.mean([getattr(law, key) for law in laws])) for key in ("perception", "curvature"))
        line = np.linspace(min(student(measured.perception).mean for measured in ways[way].values()), mean, 100)
        figure.axes[0].plot(line, Law(mean, curvature, 1)(line), color=GREY, linewidth=1.5, linestyle=":", zorder=1)
    return Picture(name, f"{caption} Dotted, the quadratic law through the mean.", png(figure))


def examples(found: Digits) -> Picture:
    """The same digits under several estimators."""
    caption = (
        "Test digits with a square hidden: original, corrupted, the mean answer of one network, halfway to a sample, "
        "the sample, and what a walk makes that begins at the mean with some noise."
    )
    return Picture("perception-digits", caption, png(panel(found.answers)))


def of_plane(ways: Ways, fitted: Mapping[str, Sequence[Law]]) -> str:
    """What the plane says of the law."""
    best, curvature, r2 = ways[BEST]["1"].intervals, *_law(fitted[BEST])
    sampled = ways[SAMPLES]["1"].intervals[1]
    return (
        "Points on an arc, all exact: posterior samples have "
        f"{format_interval(sampled, '.3f')} times the squared error of the mean. The best transport of the mean onto "
        f"the data looks as real at {format_interval(best[1], '.3f')} times. Between the mean and that transport the "
        f"law explains {r2} of the squared error, with a curvature of {curvature}; the theory says 1 for both."
    )


def of_digits(ways: Ways, fitted: Mapping[str, Sequence[Law]]) -> Iterator[str]:
    """What the digits say of the law, and of the flow that begins at the mean."""
    curvature, r2 = _law(fitted[BETWEEN])
    mean, sample = ways[BETWEEN][MEAN], ways[BETWEEN][SAMPLE]
    yield (
        f"Digits: a sample has {format_interval(sample.intervals[1], '.3f')} times the squared error of the mean at a "
        f"perception of {format_interval(sample.intervals[0])}, where the mean has "
        f"{format_interval(mean.intervals[0])} and the originals 1. Between them the quadratic law explains {r2} "
        f"of the squared error (curvature {curvature})."
    )
    compared = "; ".join(f"{label}: {_beside(measured, sample)}" for label, measured in ways[FROM_THE_MEAN].items())
    yield (
        "Walks that begin at the mean with noise, by the time at which they do, beside a sample, with differences "
        f"paired over sets of pictures. {compared}."
    )


def _beside(measured: MeasuredEstimator, sample: MeasuredEstimator) -> str:
    farther = student([one - two for one, two in zip(measured.perception, sample.perception, strict=True)])
    more = student([one - two for one, two in zip(measured.distortion, sample.distortion, strict=True)])
    real = _compare(farther, "less real", "more real", "not told apart in realism")
    error = _compare(more, "more error", "less error", "not told apart in error")
    return f"{error} ({format_interval(more, '+.3f')}), {real} ({format_interval(farther, '+.2f')})"


def _compare(difference: Interval, above: str, below: str, neither: str) -> str:
    """What is claimed of a difference."""
    return neither if not is_claim(difference) else above if difference.mean > 0 else below


def laws_of(ways: Ways, names: Sequence[str]) -> dict[str, list[Law]]:
    """The laws of ways that begin at the mean, by way, one for each set."""
    return {name: fit_laws(ways[name]) for name in names}


def _law(laws: Sequence[Law]) -> tuple[str, str]:
    curvature, r2 = (student([getattr(law, key) for law in laws]) for key in ("curvature", "r2"))
    return format_interval(curvature, ".3f"), format_interval(r2, ".3f")


def _name(words: str) -> str:
    return words.replace(" ", "-")
