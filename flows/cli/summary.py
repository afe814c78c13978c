"""The end of `dae run`: the report as tables, where everything lies, and how to open the pages."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ..store import Store


def print_summary(report: Mapping[str, Any], store: Store) -> None:
    """Print a final report for people.

    Args:
        report: The JSON of a `FinalReport`.
        store: Where its files lie.
    """
    console = Console()
    console.print()
    _print_restoration(console, report["denoising"])
    if report["transfer"]:
        console.print(
            "\nClassifiers from the encoder, test error in % [95 % over draws of labels]", markup=False, highlight=False
        )
        console.print(_transfer(report["transfer"]))
    for line in _places(report, store):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def interval(value: Mapping[str, Any], digits: int = 2) -> str:
    """``+1.23 [+1.10, +1.36]``."""
    return f"{value['mean']:+.{digits}f} [{value['low']:+.{digits}f}, {value['high']:+.{digits}f}]"


def _print_restoration(console: Console, denoising: Mapping[str, Any]) -> None:
    """The headline, then every referee."""
    decibel = denoising["unit"] == "dB"
    column, digits = ("db", 2) if decibel else ("mse", 5)
    best = denoising["best_referee"]
    before, after = ("corrupted_db", "restored_db") if decibel else ("corrupted_mse", "mse")
    console.print(f"Restoration of {denoising['images']} test samples", highlight=False)
    table = Table()
    table.add_column("")
    table.add_column(f"mean {denoising['unit']}", justify="right")
    table.add_row("corrupted", _number(denoising[before], digits))
    for name, referee in sorted(denoising["referees"].items(), key=lambda item: item[1][column], reverse=not decibel):
        label = f"{name} (best referee)" if name == best["name"] else name
        sample = "" if referee["images"] == denoising["images"] else f", on {referee['images']}"
        table.add_row(f"{label}{sample}", _number(referee[column], digits))
    table.add_row("restored", _number(denoising[after], digits), style="bold")
    console.print(table)
    gain = denoising["gain_db"] if decibel else denoising["gain_mse"]
    if gain:
        claim = "" if gain["low"] > 0 or gain["high"] < 0 else "; the interval holds zero: no difference is claimed"
        text = f"Gain over {best['name']}: {interval(gain, digits)} {denoising['unit']} (95 %, paired{claim})"
        console.print(text, markup=False, highlight=False, style="bold", soft_wrap=True)


def _transfer(rows: list[Mapping[str, Any]]) -> Table:
    """Test error by initialisation and number of labels."""
    budgets = sorted({row["labels"] for row in rows})
    found = {(row["initialisation"], row["labels"]): row["error_percent"] for row in rows}
    table = Table("initialisation")
    for budget in budgets:
        table.add_column(f"{budget} labels", justify="right")
    for name in dict.fromkeys(row["initialisation"] for row in rows):
        table.add_row(name, *(_error(found.get((name, budget))) for budget in budgets))
    return table


def _error(value: Mapping[str, Any] | None) -> str:
    return f"{value['mean']:.2f} [{value['low']:.2f}, {value['high']:.2f}]" if value else "-"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _places(report: Mapping[str, Any], store: Store) -> list[str]:
    """Where everything lies, and what opens it."""
    artifacts, mlflow = Path(report["files"]["artifacts"]), report["mlflow"]
    served = mlflow.get("uri", "").startswith("http")
    page = f"{mlflow['uri']}/#/experiments/{mlflow['experiment_id']}/runs/{mlflow['run_id']}" if served else ""
    return [
        "",
        f"panel    {artifacts / 'panel.png'}",
        f"page     {artifacts / 'report.html'}",
        f"MLflow   {page or 'run ' + mlflow['run_id']}",
        f"reused   {', '.join(report['reused']) or 'nothing'}; {report['seconds']['total']:.1f} s of stages",
        *([] if served else ["", f"Both pages: dae up --store {shlex.quote(str(store.root))}"]),
    ]
