"""Headline: a run's result in a sentence or two, with both distances, and whether it is a success.

Knows reports. Does not know where the sentences are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from daecore.evaluation.denoising import DenoisingReport
from daecore.stats.claims import fewer_errors, format_interval, is_claim, negate, reason
from daecore.stats.intervals import Interval
from daecore.transfer.scores import TransferReport

Verdict = Literal["above", "below", "open"]


@dataclass(frozen=True)
class Headline:
    """What is said first.

    Attributes:
        text: The level that was reached, its distance from what was given and from the best baseline.
        remark: What follows from it, in plain words.
        verdict: Where the restored samples lie beside the best baseline; only ``above`` is a success.
    """

    text: str
    remark: str
    verdict: Verdict


def headline(report: DenoisingReport) -> Headline:
    """The headline of an evaluation: both distances with their intervals, where they are known."""
    best, verdict = report.best_baseline.name, _verdict(report.gain)
    if report.unit == "dB":
        level, noun = f"Restored to {report.restored_db:.2f} dB", "picture"
    else:
        level, noun = f"Squared error {report.mse:.5f}", "points"
    whole, least = (f"the corrupted {noun}", f"the best baseline, {best}")
    found = [(report.gain_over_corrupted, whole), (report.gain, least)]
    distances = [_distance(gain, beside, report.unit) for gain, beside in found if gain]
    joined = (", but " if verdict == "below" else " and ").join(distances)
    return Headline(f"{level}: {joined}." if joined else f"{level}.", _remark(report, verdict), verdict)


def pretraining(report: TransferReport, ours: str = "finetune", control: str = "scratch") -> Sequence[str]:
    """What pre-training is worth: a sentence for each number of labels with which both were trained.

    Args:
        report: The errors and their paired differences.
        ours: The cell that starts from the denoising encoder.
        control: The cell that starts from random weights.
    """
    errors = {(row.initialisation, row.labels): row.error_percent.mean for row in report.rows}
    return [
        f"With {it.labels:,} labels, fine-tuned from the denoising encoder {errors[ours, it.labels]:.2f} % errors, "
        f"from scratch {errors[control, it.labels]:.2f} %: {fewer_errors(it.gain_percent)}."
        for it in report.differences
        if (it.initialisation, it.control) == (ours, control)
    ]


def _verdict(gain: Interval | None) -> Verdict:
    if gain is None or not is_claim(gain):
        return "open"
    return "above" if gain.low > 0 else "below"


def _distance(gain: Interval, beside: str, unit: str) -> str:
    """As ``2.35 [2.20, 2.50] dB above the corrupted picture``; with its sign where zero lies within."""
    verdict, decibel = _verdict(gain), unit == "dB"
    form = ".2f" if decibel else ".5f"
    if verdict == "open":
        return f"{format_interval(gain, f'+{form}')}{' dB' if decibel else ''} from {beside}"
    size = gain if verdict == "above" else negate(gain)
    word = {"above": " dB above", "below": " dB below"} if decibel else {"above": " less than", "below": " more than"}
    return f"{format_interval(size, form)}{word[verdict]} {beside}"


def _remark(report: DenoisingReport, verdict: Verdict) -> str:
    if report.gain is None:
        return "The distance from the best baseline is not known."
    paired = f"95 % intervals, paired over {report.gain.n:,} test samples."
    return {
        "above": f"Better than every baseline. {paired}",
        "open": f"No difference from the best baseline is claimed: {reason(report.gain)}. {paired}",
        "below": f"A method that needs no network does better here; train longer, or take a larger network. {paired}",
    }[verdict]
