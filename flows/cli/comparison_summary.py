"""The end of `dae compare`: the comparison as tables that fit 80 columns.

A run is told by the beginning of its id everywhere; the first table says what is behind it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from daecore.html.comparison import OTHER_NOISE, SHORT, SHOWN, format_signed, shorten, with_interval


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
    for other_noise, how in ((False, "paired over test samples"), (True, OTHER_NOISE)):
        items = [item for item in value["differences"] if item["other_noise"] == other_noise]
        if items:
            _say(console, f"\nRun minus {first}, {how} [95 %]")
            console.print(_differences("run", ((item["other"][:SHORT], item) for item in items)))
    for curve in value["curves"]:
        _say(console, f"\nOver {curve['option']}, in {curve['unit']} [95 %]")
        console.print(_curve(curve))
    if value["groups"]:
        _print_groups(console, value)
    _say(console, "\nWhat differs" if value["settings"] else "\nNothing differs in settings, code and device.")
    if value["settings"]:
        console.print(_settings(value))
    for note in value["notes"]:
        _say(console, note)


def _table(*columns: str) -> Table:
    """A table whose cells are folded, and never cut, where they do not fit."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _runs(value: Mapping[str, Any]) -> Table:
    """A run per row, by what tells it from the others, with its means."""
    table = _table("run", "which")
    for name in ("samples", *(measure["label"] for measure in value["measures"]), "training / s"):
        table.add_column(name, justify="right", overflow="fold")
    for run in value["runs"]:
        means = [
            f"{run['means'][measure['column']]:.{measure['digits']}f}" if measure["column"] in run["means"] else "-"
            for measure in value["measures"]
        ]
        head = run["run_id"][:SHORT], escape(run["apart"] or run["name"]), str(run["samples"])
        table.add_row(*head, *means, f"{run['training_seconds']:.1f}")
    return table


def _differences(head: str, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Table:
    """A difference per row, each with its name and what may be claimed."""
    table = _table(head, "measure", "difference", "n", "claim")
    for name, item in rows:
        said = escape(format_signed(item))
        style = "" if item["claim"] == "no difference is claimed" else "bold"
        table.add_row(name, item["measure"]["label"], said, str(item["difference"]["n"]), item["claim"], style=style)
    return table


def _curve(curve: Mapping[str, Any]) -> Table:
    """A strength per row, with its intervals."""
    digits = 2 if curve["unit"] == "dB" else 5
    names = [name for name in SHOWN if any(name in point["values"] for point in curve["points"])]
    table = _table(curve["option"], *(SHOWN[name] for name in names), "over")
    for point in curve["points"]:
        values = [_value(point["values"].get(name), digits, whole=name != "corrupted") for name in names]
        over = f"{len(point['runs'])} seeds" if point["over"] == "seeds" else "samples"
        table.add_row(f"{point['strength']:g}", *values, over)
    return table


def _value(value: Mapping[str, Any] | None, digits: int, *, whole: bool) -> str:
    """With its interval, or the mean alone."""
    if value is None:
        return "-"
    return escape(with_interval(value, f".{digits}f")) if whole else f"{value['mean']:.{digits}f}"


def _print_groups(console: Console, value: Mapping[str, Any]) -> None:
    """What runs of one experiment with several seeds say together."""
    digits = {measure["column"]: measure for measure in value["measures"]}
    groups = value["groups"]
    _say(console, "\nOver seeds, Student's interval [95 %]")
    table = _table("group", "seeds", "measure", "mean")
    for group in groups:
        for column, mean in group["means"].items():
            said = f"{mean['mean']:.{digits[column]['digits']}f} +- {mean['high'] - mean['mean']:.2g}"
            table.add_row(_group(group), str(len(group["seeds"])), digits[column]["label"], said)
    console.print(table)
    if value["group_differences"]:
        _say(console, f"\nGroup minus {_group(groups[0])}, paired over common seeds [95 %]")
        rows = ((_group(groups[item["other"]]), item) for item in value["group_differences"])
        console.print(_differences("group", rows))


def _group(group: Mapping[str, Any]) -> str:
    return f"{group['runs'][0][:SHORT]} with seeds {', '.join(map(str, group['seeds']))}"


def _settings(value: Mapping[str, Any]) -> Table:
    """What is not the same in all runs: a row per value, with the runs that have it."""
    table = _table("setting", "value", "runs")
    for name, values in value["settings"].items():
        runs: dict[str, list[str]] = {}
        for run, setting in values.items():
            runs.setdefault(setting, []).append(run[:SHORT])
        runs.pop("-", None)  # those without it
        for number, (setting, having) in enumerate(runs.items()):
            table.add_row(name if number == 0 else "", escape(shorten(setting)), ", ".join(having))
    return table


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
