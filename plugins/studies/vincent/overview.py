"""The table of all problems: what is measured here beside what was published."""

from collections.abc import Mapping
from typing import Any

from daecore.study import Table

from .errors import CONVOLUTIONAL, DENOISING, LONGER, SCRATCH, STACKED
from .published import PUBLISHED
from .report import NAMES

SHOWN = ("svm", *(NAMES[method] for method in (SCRATCH, LONGER, STACKED, DENOISING, CONVOLUTIONAL)))
HEAD = (
    "problem",
    "SVM (SVM)",
    "scratch",
    "scratch, longer",
    "stacked (SAE-3)",
    "stacked denoising (SDAE-3)",
    "convolutional denoising (the lowest of all)",
)
TITLE = (
    "Test error in percent; ± is half the 95 % interval, of the SVM over test samples, else over seeds; in brackets "
    "what was published, and of which method"
)


def overview(experiments: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each problem of a report: mean test errors in percent, published ones in brackets."""
    rows = tuple(_row(problem, found["figures"]) for problem, found in experiments.items())
    return Table(TITLE, HEAD, rows)


def _row(problem: str, figures: Mapping[str, Mapping[str, Any]]) -> tuple[object, ...]:
    published = PUBLISHED[problem]
    beside = {"svm": published.svm, "sae": published.sae, "sdae": published.sdae, "conv": published.lowest}
    cells = [_cell(figures.get(f"{name}_error_percent"), beside.get(name)) for name in SHOWN]
    return (problem, *cells)


def _cell(figure: Mapping[str, Any] | None, published: float | None) -> str:
    if figure is None:
        return ""
    half = "" if figure["low"] is None else f" ± {(figure['high'] - figure['low']) / 2:.2f}"
    return f"{figure['value']:.2f}{half}" + ("" if published is None else f" ({published:.2f})")
