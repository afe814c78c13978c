"""`dae compare`: runs beside the first of them, on the terminal, as a page and as JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..store.files import write_atomically
from ..store.store import Store
from .folders import DEFAULT_DATA, DEFAULT_STORE, StoreFolder, store_at
from .readiness import writable
from .runs import enter

if TYPE_CHECKING:
    from ..store.comparison.candidates import Candidate
    from ..store.comparison.compared import Comparison, StrengthCurve


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Two or more: ids, names or models:/NAME@ALIAS; a sweep stands for its runs."
        ),
    ],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Where the page goes; else into the store.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the comparison as JSON, too.")
    ] = None,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Compare runs with the first one: paired per test sample, with intervals; and say what differs in them.

    A difference is claimed where its 95 % interval leaves out zero. Runs that differ only in their seed are also
    taken together, and compared over seeds; those that differ only in a corruption's strength give a curve over it.
    """
    from daecore.paths import user_path

    opened = store_at(store, DEFAULT_DATA)
    enter(opened)
    from ..store.comparison import pairing
    from ..store.comparison.candidates import read_candidates
    from .comparison_summary import print_comparison

    candidates, left_out = read_candidates(runs)
    value = pairing.compare(candidates, left_out)
    for option, file in (("--html", html), ("--json", json)):
        if file is not None:
            writable(file, option)
    print_comparison(value.model_dump(mode="json"))
    if json is not None:
        write_atomically(user_path(json, "--json"), value.model_dump_json(indent=2) + "\n")
    page = user_path(html, "--html") if html else _default_page(value, opened)
    write_atomically(page, _page(value, candidates))
    print(f"\npage  {page}")


def _default_page(value: "Comparison", opened: Store) -> Path:
    """The page of these runs in the store, in this order."""
    from daecore.plugin.spec import digest

    folder = opened.root / "comparisons"
    folder.mkdir(exist_ok=True)
    return folder / f"{digest([run.run_id for run in value.runs])[:32]}.html"


def _page(value: "Comparison", candidates: "list[Candidate]") -> str:
    """The page, with a panel of each run, a histogram of each paired difference, and the curves over strengths."""
    from daecore.html.comparison import comparison_page
    from daecore.plots import figures

    from ..store.comparison.candidates import panels
    from ..store.comparison.pairing import pair_scores

    by_run = {one.run_id: one for one in candidates}
    histograms = {}
    for item in value.differences:
        if item.other not in histograms:  # the first measure of each: PSNR, or the squared error of points
            differences = pair_scores(by_run[item.first], by_run[item.other], item.measure)
            figure = figures.difference_histogram(differences, f"difference in {item.measure.label}")
            histograms[item.other] = figures.png(figure)
    drawn = [_curve(curve) for curve in value.curves]
    return comparison_page(value.model_dump(mode="json"), panels(candidates), histograms, drawn)


def _curve(curve: "StrengthCurve") -> bytes:
    """The picture of a curve."""
    from daecore.plots.figures import png
    from daecore.plots.strength_curves import strength_curves

    lines = {
        name: {point.strength: point.values[name] for point in curve.points if name in point.values}
        for name in ("restored", "corrupted", "gain")
    }
    return png(strength_curves(**lines, option=curve.option, unit=curve.unit))
