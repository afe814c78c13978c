"""The sampler's licence as a reader sees it: a row for each measure, beside its ideal, its floor and its verdict.

Knows the sampling report. Computes nothing but formats.
"""

from collections.abc import Sequence

from daecore.evaluation.sampling import SamplingMeasure, SamplingReport
from daecore.html.markup import Row, figure, note, table
from daecore.stats.claims import format_interval
from daecore.stats.intervals import Interval

HEAD = ("measure", "measured", "exact", "passes", "floor", "verdict")
IN_PERCENT = ("coverage", "label_kept_mean", "label_kept_sample", "confidence_mean", "confidence_sample", "two_sample")
EXPLAINED = {
    "error_over_own_mean": "one sample's squared error; a perfect one has twice that of the best possible answer",
    "error_over_mean": "the same beside the network's mean answer; below 2 that answer is worse than it has to be",
    "coverage": "of uncertain pixels; the truth is one more draw, and lies outside if it is the least or the largest",
    "variance": "how far samples differ, over how far they are from the truth, where that matters most",
    "label_kept_mean": "by a classifier that knows neither the network nor these pictures",
    "label_kept_sample": "where it is not, the sample shows something else than what was there",
    "confidence_mean": "the probability that the classifier gives to what it sees",
    "confidence_sample": "sure of another label: what was drawn looks real and is not what was there",
    "frechet": "how far samples are from test pictures, in a classifier's features",
    "precision": "how many samples lie where test pictures are",
    "recall": "how many test pictures lie where samples are",
    "nearest": "below 1 samples are nearer to what was trained on: copies",
    "two_sample": "how often a classifier that is trained for it is right; guessing is 50 %",
}
CAPTION = (
    "From the top: the clean pictures, what the network was given, its mean answer, samples of what could have been, "
    "and how far the samples differ from each other, pixel by pixel: white is a standard deviation of 0.5."
)
RULE = (
    "Passed: the number lies in the band that was set beforehand. Failed: its whole 95 % interval lies outside. Open: "
    "neither can be said of so many pictures. Told: there is no right number. The floor is the same measure of what "
    "is right by construction."
)


def licence_rows(report: SamplingReport) -> list[Row]:
    """Each measure as a row of text: name, measured, ideal, band, floor, verdict; see `HEAD`."""
    return [_row(key, measure) for key, measure in report.measures.items()]


def decile_rows(report: SamplingReport) -> list[Row]:
    """Each decile of the predicted variance as a row: its number, its share of the error, the ratio."""
    return [
        (it.number, f"{it.share:.1%}", _interval(it.ratio, ".2f"), "yes" if it.counts else "no")
        for it in report.deciles
    ]  # fmt: skip


def licence_lines(report: SamplingReport) -> list[str]:
    """What a summary says of a sampler, a line for each measure that was made."""
    return [
        f"{name}: {measured}{f', exact {ideal}' if ideal else ''}{f', floor {floor}' if floor else ''} ({verdict})"
        for name, measured, ideal, _, floor, verdict in licence_rows(report)
        if verdict != "not measured"
    ]


def licence_section(report: SamplingReport, png: bytes | None = None) -> str:
    """The section of a report's page.

    Args:
        report: All measures.
        png: The picture that `daecore.plots.sample_panel` gives.
    """
    said = f"{report.draws} samples of each of {report.pictures:,} test samples. {RULE}"
    deciles = table(("decile", "share of the error", "predicted over observed", "counts"), decile_rows(report))
    words = table(("measure", "what it is"), [(it.name, EXPLAINED[key]) for key, it in report.measures.items()])
    return (
        "<h2>Samples of what could have been</h2>"
        + (figure(png, CAPTION) if png else "")
        + note(said)
        + table(HEAD, licence_rows(report))
        + f"<details><summary>What the measures are</summary>{words}</details>"
        + (f"<h3>Variance, by decile of the predicted one</h3>{deciles}" if report.deciles else "")
    )


def _row(key: str, measure: SamplingMeasure) -> Sequence[str]:
    if measure.value is None:
        return (measure.name, measure.reason, "", "", "", measure.verdict)
    form = ".1%" if key in IN_PERCENT else ".3f"
    ideal = "" if measure.ideal is None else f"{measure.ideal:{form}}"
    floor = f"{_interval(measure.floor, form)}: {measure.floor_is}" if measure.floor else ""
    return (measure.name, _interval(measure.value, form), ideal, _band(measure, form), floor, measure.verdict)


def _band(measure: SamplingMeasure, form: str) -> str:
    """As ``1.970 to 2.030``, ``from 0.900`` or ``up to 1.200``."""
    if measure.low is None:
        return "" if measure.high is None else f"up to {measure.high:{form}}"
    return f"from {measure.low:{form}}" if measure.high is None else f"{measure.low:{form}} to {measure.high:{form}}"


def _interval(interval: Interval | None, form: str) -> str:
    """As other tables write it; an interval is not broken into lines."""
    return "" if interval is None else format_interval(interval, form).replace(" ", "\u00a0")
