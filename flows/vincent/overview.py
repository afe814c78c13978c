"""The table of all problems: what is measured here beside what was published."""

from collections.abc import Mapping
from typing import Any

from ..series.study import Table
from .cells import CONVOLUTIONAL, DENOISING, PLAIN, SCRATCH
from .published import PUBLISHED
from .telling import NAMES

SHOWN = ("svm", *(NAMES[method] for method in (SCRATCH, PLAIN, DENOISING, CONVOLUTIONAL)))
HEAD = ("problem", "SVM (published)", "scratch", "stacked (SAE-3)", "stacked denoising (SDAE-3)", "conv (lowest)")


def overview(experiments: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each problem of a report: mean test errors in percent, published ones in brackets."""
    rows = tuple(_row(problem, found["figures"]) for problem, found in experiments.items())
    return Table("Test error in percent; in brackets as published", HEAD, rows)


def _row(problem: str, figures: Mapping[str, Mapping[str, Any]]) -> tuple[object, ...]:
    published = PUBLISHED[problem]
    beside = {"svm": published.svm, "sae": published.sae, "sdae": published.sdae, "conv": published.best}
    cells = [_cell(figures[f"{name}_error_percent"], beside.get(name)) for name in SHOWN]
    return (problem, *cells)


def _cell(figure: Mapping[str, Any], published: float | None) -> str:
    half = "" if figure["low"] is None else f" ± {(figure['high'] - figure['low']) / 2:.2f}"
    return f"{figure['value']:.2f}{half}" + ("" if published is None else f" ({published:.2f})")
