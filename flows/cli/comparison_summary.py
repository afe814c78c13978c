"""The end of `dae compare`: the comparison as tables."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from .summary import interval

SHORT = 8  # characters of a run's id: enough to name it


def print_comparison(value: Mapping[str, Any]) -> None:
    """Print a comparison for people.

    Args:
        value: The JSON of a `Comparison`.
    """
    console, first = Console(), value["runs"][0]["run_id"][:SHORT]
    console.print(_runs(value))
    for run in value["runs"]:
        if run["unpaired"]:
            _say(console, f"{run['run_id'][:SHORT]} and {first}: {run['unpaired']}.")
    for name, reason in value["left_out"].items():
        _say(console, f"{name[:SHORT]} is left out. {reason}")
    if value["differences"]:
        _say(console, f"\nRun minus {first}, paired over test samples [95 %]")
        console.print(_differences((item["other"][:SHORT], item) for item in value["differences"]))
    if value["groups"]:
        _print_groups(console, value)
    _say(console, "\nWhat differs" if value["settings"] else "\nNothing differs in settings, code and place.")
    if value["settings"]:
        console.print(_settings(value))
    for note in value["notes"]:
        _say(console, note)


def _runs(value: Mapping[str, Any]) -> Table:
    """A run per row, with its means."""
    table = Table("run", "name", "seed", "samples")
    for measure in value["measures"]:
        table.add_column(measure["label"], justify="right")
    table.add_column("training / s", justify="right")
    for run in value["runs"]:
        means = [
            f"{run['means'][measure['column']]:.{measure['digits']}f}" if measure["column"] in run["means"] else "-"
            for measure in value["measures"]
        ]
        head = run["run_id"][:SHORT], run["name"], str(run["seed"]), str(run["samples"])
        table.add_row(*head, *means, f"{run['training_seconds']:.1f}")
    return table


def _differences(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Table:
    """A difference per row, each with its name and what may be claimed."""
    table = Table("", "measure", "difference", "n", "claim")
    for name, item in rows:
        said = interval(item["difference"], item["measure"]["digits"]).replace("[", r"\[")  # rich reads [..] as style
        style = "bold" if item["claim"] in ("better", "worse") else ""
        table.add_row(name, item["measure"]["label"], said, str(item["difference"]["n"]), item["claim"], style=style)
    return table


def _print_groups(console: Console, value: Mapping[str, Any]) -> None:
    """What runs of one experiment with several seeds say together."""
    digits = {measure["column"]: measure for measure in value["measures"]}
    groups = value["groups"]
    _say(console, "\nOver seeds, Student's interval [95 %]")
    table = Table("group", "seeds", "measure", "mean")
    for group in groups:
        for column, mean in group["means"].items():
            said = f"{mean['mean']:.{digits[column]['digits']}f} +- {mean['high'] - mean['mean']:.2g}"
            table.add_row(_group(group), str(len(group["seeds"])), digits[column]["label"], said)
    console.print(table)
    if value["group_differences"]:
        _say(console, f"\nGroup minus {_group(groups[0])}, paired over common seeds [95 %]")
        console.print(_differences((_group(groups[item["other"]]), item) for item in value["group_differences"]))


def _group(group: Mapping[str, Any]) -> str:
    return f"{group['runs'][0][:SHORT]} with seeds {', '.join(map(str, group['seeds']))}"


def _settings(value: Mapping[str, Any]) -> Table:
    """What is not the same in all runs."""
    runs = [run["run_id"] for run in value["runs"]]
    table = Table("setting", *(run[:SHORT] for run in runs))
    for name, values in value["settings"].items():
        table.add_row(name, *(values[run].replace("[", r"\[") for run in runs))
    return table


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
