"""Label efficiency: the error of classifiers against the number of labels, as a picture.

Knows what was summed up. Does not know what was trained.
"""

from matplotlib.figure import Figure

from daecore.curves import Curves, curves
from daecore.intervals import Interval
from daecore.scores import TransferReport


def label_efficiency(report: TransferReport) -> Figure:
    """Test error against the number of labels, both logarithmic: a line and a band for each cell."""
    lines: dict[str, dict[int, Interval]] = {}
    for row in report.rows:
        lines.setdefault(row.initialisation, {})[row.labels] = row.error_percent
    return curves([Curves("test error, percent", lines, logarithmic=True)], "labels")
