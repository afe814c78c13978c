"""Studies: what one is and finds, the series they belong to, and the laboratory that each is given."""

from daecore.plugin.registry import find_series
from daecore.plugin.series import Series
from daecore.study.laboratory import Drawn, Evaluated, Laboratory, Stacked, Trained
from daecore.study.quick import QUICK_SIZES, cut, fine_tuning
from daecore.study.series import find_study, overview_tables
from daecore.study.study import Findings, Measured, Picture, Study, Table

__all__ = [
    "QUICK_SIZES",
    "Drawn",
    "Evaluated",
    "Findings",
    "Laboratory",
    "Measured",
    "Picture",
    "Series",
    "Stacked",
    "Study",
    "Table",
    "Trained",
    "cut",
    "find_series",
    "find_study",
    "fine_tuning",
    "overview_tables",
]
