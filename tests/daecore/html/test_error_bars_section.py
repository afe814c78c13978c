"""Error bars as they are read: what was promised stands beside what was measured, in page and summary."""

from daecore.html.error_bars import error_bars_lines, error_bars_section
from daecore.stats.intervals import Interval
from daecore.uncertainty.report import ErrorBarsReport, WidthGroup


def share(mean: float) -> Interval:
    return Interval(mean=mean, low=mean - 0.01, high=mean + 0.01, n=100)


REPORT = ErrorBarsReport(
    method="learned", level=0.9, calibrated_on=5000, shape=(1, 28, 28), pictures=2000, uncertain=0.31,
    coverage=share(0.903), certain_coverage=share(0.961),
    quintiles=tuple(WidthGroup(number=i, width=i / 10, coverage=share(0.88 + i / 100)) for i in range(1, 6)),
    width=0.19, constant_width=0.38,
    whole_width=0.06, whole_constant_width=0.29, whole_shorter=share(0.79),
    shorter=share(0.499), db_level=0.95, db_held=share(0.955), promised_db=17.4,
    restored_db=22.5,
)  # fmt: skip


def test_the_section_says_promise_and_measure_and_for_what_pictures() -> None:
    page = error_bars_section(REPORT, b"png")
    for text in ("90.3%", "90%", "5,000 validation pictures", "2,000 test pictures", "17.40 dB", "95.5%", "img"):
        assert text in page
    assert "It is not made for each picture" in page


def test_the_lines_say_coverage_by_fifths_and_how_much_shorter() -> None:
    lines = error_bars_lines(REPORT)
    assert "90% of uncertain values" in lines[0]
    assert "89.0%, 90.0%, 91.0%, 92.0%, 93.0%" in lines[1]
    assert "shorter by 49.9%" in lines[2]


def test_bounds_that_are_longer_than_constant_ones_are_called_longer() -> None:
    """And not shorter by a negative share."""
    line = error_bars_lines(REPORT.model_copy(update={"shorter": share(-0.086)}))[2]
    assert "longer by 8.6% [7.6%, 9.6%], so that one width for all says more" in line.replace("\u00a0", " ")


def test_what_was_not_measured_is_said() -> None:
    """A network that is sure of everything has no coverage of uncertain values."""
    sure = REPORT.model_copy(update={"coverage": None, "shorter": None})
    assert "hardly any value is uncertain" in error_bars_lines(sure)[0]
    assert "not measured" in error_bars_section(sure)
