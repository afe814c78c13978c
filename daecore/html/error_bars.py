"""Error bars as a reader sees them: what was promised, on what, and how well the promise is kept on unseen pictures.

Knows the error bars' report. Computes nothing but formats.
"""

from daecore.html.markup import Row, figure, note, table
from daecore.stats.claims import format_interval
from daecore.stats.intervals import Interval
from daecore.uncertainty.report import ErrorBarsReport

CAPTION = (
    "From the top: the clean pictures, what the network was given, what it makes of it, the lower and the upper bound, "
    "and how far these are apart: white is the whole range."
)
METHODS = {
    "derivative": "the network's own derivative (for Gaussian noise the variance is sigma^2 times its diagonal)",
    "learned": "a small network that was trained on the errors of this one, which stayed as it was",
}
RULE = (
    "A value is uncertain if its predicted standard deviation is above 0.05. The promise counts all uncertain values "
    "of pictures like these together. It is not made for each picture, nor for pictures of another kind."
)


def error_bars_lines(report: ErrorBarsReport) -> list[str]:
    """What a summary says of error bars, a line for each fact."""
    lines = [
        f"promised: {report.level:.0%} of uncertain values within their bounds, calibrated on "
        f"{report.calibrated_on:,} validation pictures; measured on {report.pictures:,} test pictures: "
        f"{_percent(report.coverage)}",
        f"by width, a fifth each: {', '.join(_short(group.coverage) for group in report.quintiles)}",
        f"mean width {report.width:.3f}, of constant bounds {report.constant_width:.3f}: "
        f"{_shorter(report.shorter)}; of all values {report.whole_width:.3f}, {report.whole_constant_width:.3f}: "
        f"{_shorter(report.whole_shorter)}",
        f"promised: each picture at least its own PSNR, on average {report.promised_db:.2f} dB, with "
        f"{report.db_level:.0%}; it had it in {_percent(report.db_held)} of cases",
    ]
    return lines if report.coverage else [f"{lines[0]} (hardly any value is uncertain)", lines[-1]]


def _shorter(share: Interval | None) -> str:
    """What bounds gain over one width for all; where they are longer it is said."""
    if share is None or share.mean >= 0:
        return f"shorter by {_percent(share)}"
    longer = Interval(mean=-share.mean, low=-share.high, high=-share.low, n=share.n)
    return f"longer by {_percent(longer)}, so that one width for all says more"


def error_bars_section(report: ErrorBarsReport, png: bytes | None = None) -> str:
    """The section of a report's page.

    Args:
        report: What was measured.
        png: The picture of originals, restorations and bounds.
    """
    rows: list[Row] = [
        ("uncertain values within their bounds", _percent(report.coverage), f"{report.level:.0%}"),
        ("other values within their bounds", _percent(report.certain_coverage), "nothing"),
        (f"pictures with the PSNR promised to them, on average {report.promised_db:.2f} dB",
         _percent(report.db_held), f"{report.db_level:.0%}"),
        ("mean width of the bounds of uncertain values", f"{report.width:.3f}", ""),
        ("the same with one width for all", f"{report.constant_width:.3f}", ""),
        ("shorter by", _percent(report.shorter), ""),
        ("mean width of the bounds of all values", f"{report.whole_width:.3f}", ""),
        ("the same with one width for all", f"{report.whole_constant_width:.3f}", ""),
        ("shorter by", _percent(report.whole_shorter), ""),
    ]  # fmt: skip
    fifths: list[Row] = [(it.number, f"{it.width:.3f}", _percent(it.coverage)) for it in report.quintiles]
    said = (
        f"From {METHODS[report.method]}. Calibrated on {report.calibrated_on:,} validation pictures, measured on "
        f"{report.pictures:,} test pictures; {report.uncertain:.1%} of their values are uncertain. {RULE}"
    )
    return (
        "<h2>Error bars</h2>"
        + (figure(png, CAPTION) if png else "")
        + note(said)
        + table(("measure", "measured", "promised"), rows)
        + "<h3>By width of the bounds, a fifth of the uncertain values each</h3>"
        + table(("fifth", "mean width", "within their bounds"), fifths)
    )


def _percent(share: Interval | None) -> str:
    """As ``90.3% [89.9%, 90.7%]``; an interval is not broken into lines."""
    return "not measured" if share is None else format_interval(share, ".1%").replace(" ", "\u00a0")


def _short(share: Interval | None) -> str:
    return "not measured" if share is None else f"{share.mean:.1%}"
