"""A comparison of runs as one HTML file: differences, what differs in the settings, the panels under each other.

Knows the comparison's JSON and PNG bytes. Does not compute.
"""

from collections.abc import Mapping
from typing import Any

from daecore.markup import Row, document, escaped, interval, picture, table

SHORT = 8  # characters of a run's id: enough to name it


def comparison_page(comparison: Mapping[str, Any], panels: Mapping[str, bytes], histograms: Mapping[str, bytes]) -> str:
    """The page of a comparison.

    Args:
        comparison: The value that `dae compare` writes, as JSON.
        panels: The restored pictures of each run, as PNG, by run id; runs may lack one.
        histograms: The paired differences of each run from the first, as PNG, by run id.
    """
    names = {run["run_id"]: f"{run['run_id'][:SHORT]} {run['name']} #{run['seed']}" for run in comparison["runs"]}
    sections = [
        _headline(comparison, names),
        "".join(f"<p class='soft'>{escaped(note)}</p>" for note in comparison["notes"]),
        _runs(comparison),
        _differences(comparison, names),
        _seeds(comparison),
        _settings(comparison),
        _pictures("Restored test samples", panels, names),
        _pictures("Differences from the first run, per test sample", histograms, names),
    ]
    return document(f"{len(names)} runs compared", sections)


def _headline(comparison: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What may be claimed of each run, in a sentence; by the first measure."""
    said: dict[str, str] = {}
    for item in comparison["differences"]:
        said.setdefault(item["other"], f"{_measured(item)} against {names[item['first']]}: {item['claim']}")
    said |= {run["run_id"]: run["unpaired"] for run in comparison["runs"] if run["unpaired"]}
    said |= comparison["left_out"]
    return "".join(f"<p class='headline'>{escaped(f'{names.get(run, run)}: {text}')}</p>" for run, text in said.items())


def _measured(item: Mapping[str, Any]) -> str:
    return f"{item['measure']['label']} {interval(item['difference'], item['measure']['digits'], '+')}"


def _runs(comparison: Mapping[str, Any]) -> str:
    columns = {item["column"]: item for item in comparison["measures"]}
    head = ["run", "name", "seed", "samples", *(item["label"] for item in columns.values()), "training / s"]
    rows: list[Row] = [
        [
            run["run_id"][:SHORT], run["name"], run["seed"], run["samples"],
            *(_mean(run["means"].get(column), item["digits"]) for column, item in columns.items()),
            f"{run['training_seconds']:.1f}",
        ]
        for run in comparison["runs"]
    ]  # fmt: skip
    return "<h2>Runs, means over test samples</h2>" + table(head, rows)


def _mean(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _differences(comparison: Mapping[str, Any], names: Mapping[str, str]) -> str:
    rows = [
        (names[item["other"]], item["measure"]["label"], _signed(item), item["difference"]["n"], item["claim"])
        for item in comparison["differences"]
    ]
    head = ("run", "measure", "run - first [95 %]", "samples", "claim")
    title = "<h2>Differences from the first run, paired over test samples</h2>"
    return title + table(head, rows) if rows else ""


def _signed(item: Mapping[str, Any]) -> str:
    return interval(item["difference"], item["measure"]["digits"], "+")


def _seeds(comparison: Mapping[str, Any]) -> str:
    """Means over seeds, and the differences of groups; nothing where no experiment has two seeds."""
    groups = comparison["groups"]
    if not groups:
        return ""
    digits = {item["column"]: item for item in comparison["measures"]}
    means: list[Row] = [
        (_group(group), len(group["seeds"]), digits[column]["label"], interval(value, digits[column]["digits"]))
        for group in groups
        for column, value in group["means"].items()
    ]
    rows: list[Row] = [
        (_group(groups[item["other"]]), item["measure"]["label"], _signed(item), len(item["seeds"]), item["claim"])
        for item in comparison["group_differences"]
    ]
    head = ("group", "measure", f"group - {_group(groups[0])} [95 %]", "common seeds", "claim")
    return (
        "<h2>Over seeds, Student's 95 % interval</h2>"
        + table(("group", "seeds", "measure", "mean [95 %]"), means)
        + (table(head, rows) if rows else "")
    )


def _group(group: Mapping[str, Any]) -> str:
    return f"{group['name']} ({group['runs'][0][:SHORT]}, seeds {', '.join(map(str, group['seeds']))})"


def _settings(comparison: Mapping[str, Any]) -> str:
    runs = [run["run_id"] for run in comparison["runs"]]
    rows = [(name, *(values[run] for run in runs)) for name, values in comparison["settings"].items()]
    if not rows:
        return "<h2>What differs</h2><p>Nothing: the same settings, code and place.</p>"
    return "<h2>What differs</h2>" + table(("setting", *(run[:SHORT] for run in runs)), rows)


def _pictures(title: str, pictures: Mapping[str, bytes], names: Mapping[str, str]) -> str:
    shown = [f"<p>{escaped(names[run])}</p>{picture(png, f'{title}: {names[run]}')}" for run, png in pictures.items()]
    return f"<h2>{title}</h2>{''.join(shown)}" if shown else ""
