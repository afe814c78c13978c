"""The licence as a reader sees it: every measure has a row, a verdict and a sentence that says what it is."""

import torch

from daecore.evaluation.realism import NAMES
from daecore.evaluation.sampling import SamplingMeasure, SamplingReport, measure_consistency
from daecore.html.licence import EXPLAINED, HEAD, licence_lines, licence_rows, licence_section
from daecore.rng import stream
from daecore.stats.intervals import Interval


def report() -> SamplingReport:
    drawn = torch.randn((9, 600, 2), generator=stream(0, "licence"))
    found = measure_consistency(drawn[0], drawn[1:], torch.zeros(600, 2))
    half = Interval(mean=0.52, low=0.5, high=0.6, n=400)
    apart = SamplingMeasure(
        name=NAMES["two_sample"], value=half, ideal=0.5, high=0.55, floor=half, floor_is="training pictures"
    )
    return found.with_measures(
        {"two_sample": apart, "recall": SamplingMeasure(name=NAMES["recall"], reason="no labels")}
    )


def test_every_measure_has_a_sentence() -> None:
    assert set(EXPLAINED) == {*report().measures, *NAMES}


def test_a_row_says_measure_ideal_floor_and_verdict() -> None:
    rows = {row[0]: [str(cell).replace("\u00a0", " ") for cell in row] for row in licence_rows(report())}
    assert {len(row) for row in rows.values()} == {len(HEAD)}
    assert rows[NAMES["two_sample"]][1:] == [
        "52.0% [50.0%, 60.0%]", "50.0%", "up to 55.0%", "52.0% [50.0%, 60.0%]: training pictures", "passed"
    ]  # fmt: skip
    assert rows[NAMES["recall"]][1:] == ["no labels", "", "", "", "not measured"]
    assert rows["error of a sample over that of its own mean"][2:4] == ["2.000", "1.970 to 2.030"]


def test_the_section_has_all_rows_deciles_and_the_picture() -> None:
    text = licence_section(report(), b"png")
    assert all(measure.name in text for measure in report().measures.values())
    assert "by decile of the predicted one" in text
    assert "<img" in text
    assert "<img" not in licence_section(report())


def test_a_summary_leaves_out_what_was_not_measured() -> None:
    lines = licence_lines(report())
    assert len(lines) == 5
    assert lines[-1].startswith("samples told from real pictures: 52.0%")


def test_a_verdict_is_open_where_the_interval_reaches_the_band() -> None:
    """Passed inside, failed when the whole interval is outside, told without a band."""

    def verdict(mean: float, lower: float, upper: float, low: float | None = None, high: float | None = None) -> str:
        return SamplingMeasure(
            name="", value=Interval(mean=mean, low=lower, high=upper, n=9), low=low, high=high
        ).verdict

    assert verdict(2.01, 1.9, 2.1, low=1.97, high=2.03) == "passed"
    assert verdict(1.95, 1.9, 2.0, low=1.97, high=2.03) == "open"
    assert verdict(1.9, 1.85, 1.96, low=1.97, high=2.03) == "failed"
    assert verdict(1.3, 1.25, 1.4, high=1.2) == "failed"
    assert verdict(1.3, 1.25, 1.4) == "told"
