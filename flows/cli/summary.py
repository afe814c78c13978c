"""The end of `dae run`: the report as tables, where everything lies, and how to open the pages."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from daecore.evaluation.denoising import DenoisingReport
from daecore.evaluation.sampling import SamplingReport
from daecore.html.error_bars import error_bars_lines
from daecore.html.headline import headline, pretraining
from daecore.html.licence import licence_lines
from daecore.stats.claims import format_interval
from daecore.transfer.scores import TransferReport
from daecore.uncertainty.report import ErrorBarsReport

from ..store.store import Store
from ..store.tracking.pages import LAYOUT

RESTORED = "restored"
STYLES = {"above": "bold green", "open": "bold", "below": "bold yellow"}


def print_summary(report: Mapping[str, Any], store: Store) -> None:
    """Print a final report for people.

    Args:
        report: The JSON of a `FinalReport`.
        store: Where its files lie.
    """
    console = Console()
    console.print()
    _print_restoration(console, DenoisingReport.model_validate(report["denoising"]))
    if report.get("sampling"):
        sampling = SamplingReport.model_validate(report["sampling"])
        console.print(f"\n{sampling.draws} samples of each of {sampling.pictures} test samples", highlight=False)
        for line in licence_lines(sampling):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    if report.get("error_bars"):
        bars = ErrorBarsReport.model_validate(report["error_bars"])
        console.print("\nError bars", highlight=False)
        for line in error_bars_lines(bars):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    transfer = TransferReport.model_validate({"rows": report["transfer"], "differences": report["differences"]})
    if transfer.rows:
        console.print(
            "\nClassifiers from the encoder, test error in % [95 % over draws of labels]", markup=False, highlight=False
        )
        console.print(_transfer(transfer))
        for line in pretraining(transfer):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    for line in _paths(report, store):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_restoration(console: Console, denoising: DenoisingReport) -> None:
    """Every baseline, then the headline: in green only where the best of them is beaten."""
    said, best = headline(denoising), denoising.best_baseline.name
    console.print(f"Restoration of {denoising.images} test samples", highlight=False)
    table = Table()
    table.add_column("")
    table.add_column(f"mean {'PSNR / dB' if denoising.unit == 'dB' else denoising.unit}", justify="right")
    for name, value, samples in _levels(denoising):
        label = f"{name} (best baseline)" if name == best else name
        sample = "" if samples == denoising.images else f", on {samples}"
        table.add_row(f"{label}{sample}", value, style="bold" if name == RESTORED else "")
    console.print(table)
    console.print(said.text, markup=False, highlight=False, style=STYLES[said.verdict], soft_wrap=True)
    console.print(said.remark, markup=False, highlight=False, soft_wrap=True)
    for name, score in denoising.metrics.items():
        unit, better = f" {score.unit}" if score.unit else "", "higher" if score.higher_is_better else "lower"
        given = f"; corrupted {format_interval(score.corrupted, '.4f')}" if score.corrupted else ""
        line = f"{name}: {format_interval(score.restored, '.4f')}{unit}{given} ({better} is better)"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _levels(denoising: DenoisingReport) -> Iterator[tuple[str, str, int]]:
    """What was given, every baseline from the worst to the best, what was restored: name, level, samples."""
    decibel, images = denoising.unit == "dB", denoising.images
    before, after = (
        (denoising.corrupted_db, denoising.restored_db) if decibel else (denoising.corrupted_mse, denoising.mse)
    )
    yield "corrupted", _number(before, decibel), images
    for baseline in sorted(denoising.baselines.values(), key=lambda it: it.db if it.db is not None else -it.mse):
        yield baseline.name, _number(baseline.db if decibel else baseline.mse, decibel), baseline.images
    yield RESTORED, _number(after, decibel), images


def _transfer(transfer: TransferReport) -> Table:
    """Test error by initialisation and number of labels."""
    label_counts = sorted({row.labels for row in transfer.rows})
    found = {(row.initialisation, row.labels): format_interval(row.error_percent) for row in transfer.rows}
    table = Table("initialisation")
    for count in label_counts:
        table.add_column(f"{count:,} labels", justify="right")
    for name in dict.fromkeys(row.initialisation for row in transfer.rows):
        table.add_row(name, *(found.get((name, count), "-") for count in label_counts))
    return table


def _number(value: float | None, decibel: bool) -> str:
    return "-" if value is None else f"{value:.{2 if decibel else 5}f}"


def _paths(report: Mapping[str, Any], store: Store) -> list[str]:
    """Where everything lies, and what opens it."""
    artifacts, mlflow = Path(report["files"]["artifacts"]), report["mlflow"]
    served = mlflow.get("uri", "").startswith("http")
    page = f"{mlflow['uri']}/#/experiments/{mlflow['experiment_id']}/runs/{mlflow['run_id']}?{LAYOUT}" if served else ""
    return [
        "",
        f"panel    {artifacts / 'panel.png'}",
        f"page     {artifacts / 'report.html'}",
        f"MLflow   {page or 'run ' + mlflow['run_id']}",
        f"reused   {', '.join(report['reused']) or 'nothing'}; {report['seconds']['total']:.1f} s of stages",
        *([] if served else ["", f"Both pages: dae up --store {shlex.quote(str(store.root))}"]),
    ]
