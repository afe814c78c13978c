"""A comparison of runs as one HTML file: differences, what differs in the settings, the panels under each other.

Knows the comparison's JSON and PNG bytes. Does not compute.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from daecore.html.markup import Row, document, escape, note, picture, table
from daecore.stats.claims import format_interval
from daecore.stats.intervals import Interval

SHORT = 8  # characters of a run's id: enough to name it
HASH, KEPT = re.compile(r"[0-9a-f]{20,}"), 10  # characters of a hash: enough to tell two apart
BESIDE = 6  # runs whose settings stand beside each other, so that every column is seen
OTHER_NOISE = "paired by image, under different noise"
SHOWN = {"restored": "restored", "corrupted": "corrupted", "gain": "gain over the best baseline"}  # of a curve's points


def shorten(text: str) -> str:
    """A setting as people compare it: of a hash only its beginning."""
    return HASH.sub(lambda found: found.group()[:KEPT], text)


def format_signed(item: Mapping[str, Any]) -> str:
    """A difference with its interval, as ``+0.50 [+0.31, +0.69]``."""
    return with_interval(item["difference"], f"+.{item['measure']['digits']}f")


def with_interval(value: Mapping[str, Any], form: str) -> str:
    """An `Interval`, as JSON has it, in a number format: ``0.50 [0.31, 0.69]``."""
    return format_interval(Interval.model_validate(value), form)


def comparison_page(
    comparison: Mapping[str, Any],
    panels: Mapping[str, bytes],
    histograms: Mapping[str, bytes],
    curves: Sequence[bytes] = (),
) -> str:
    """The page of a comparison.

    Args:
        comparison: The value that `dae compare` writes, as JSON.
        panels: The restored pictures of each run, as PNG, by run id; runs may lack one.
        histograms: The paired differences of each run from the first, as PNG, by run id.
        curves: The picture of each of the comparison's curves, as PNG.
    """
    names = {run["run_id"]: f"{run['run_id'][:SHORT]} {_which(run)}" for run in comparison["runs"]}
    sections = [
        _headline(comparison, names),
        "".join(map(note, comparison["notes"])),
        _runs(comparison),
        _curves(comparison, curves),
        _differences(comparison, names),
        _seeds(comparison),
        _settings(comparison),
        _pictures("Restored test samples", panels, names),
        _pictures("Differences from the first run, per test sample", histograms, names),
    ]
    return document(f"{len(names)} runs compared", sections)


def _which(run: Mapping[str, Any]) -> str:
    """What tells a run from the others, else its name and seed."""
    return shorten(run["apart"]) or f"{run['name']} #{run['seed']}"


def _headline(comparison: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What may be claimed of each run, in a sentence; by the first measure."""
    said: dict[str, str] = {}
    for item in comparison["differences"]:
        noise = f" ({OTHER_NOISE})" if item["other_noise"] else ""
        said.setdefault(item["other"], f"{_measure_text(item)} against {names[item['first']]}: {item['claim']}{noise}")
    said |= {run["run_id"]: run["unpaired"] for run in comparison["runs"] if run["unpaired"]}
    said |= comparison["left_out"]
    return "".join(f"<p class='headline'>{escape(f'{names.get(run, run)}: {text}')}</p>" for run, text in said.items())


def _measure_text(item: Mapping[str, Any]) -> str:
    return f"{item['measure']['label']} {format_signed(item)}"


def _runs(comparison: Mapping[str, Any]) -> str:
    columns = {item["column"]: item for item in comparison["measures"]}
    head = ["run", "which", "name", "samples", *(item["label"] for item in columns.values()), "training / s"]
    rows: list[Row] = [
        [
            run["run_id"][:SHORT], _which(run), run["name"], run["samples"],
            *(_mean(run["means"].get(column), item["digits"]) for column, item in columns.items()),
            f"{run['training_seconds']:.1f}",
        ]
        for run in comparison["runs"]
    ]  # fmt: skip
    return "<h2>Runs, means over test samples</h2>" + table(head, rows)


def _mean(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _curves(comparison: Mapping[str, Any], pictures: Sequence[bytes]) -> str:
    """Each curve as a picture, with its numbers; nothing where no runs differ in a strength alone."""
    parts = []
    for curve, png in zip(comparison["curves"], pictures, strict=False):
        digits = 2 if curve["unit"] == "dB" else 5
        names = [name for name in SHOWN if any(name in point["values"] for point in curve["points"])]
        rows: list[Row] = [
            (
                f"{point['strength']:g}",
                *(_value(point["values"].get(name), digits) for name in names),
                f"{len(point['runs'])} seeds" if point["over"] == "seeds" else "test samples",
            )
            for point in curve["points"]
        ]
        head = (curve["option"], *(f"{SHOWN[name]} / {curve['unit']} [95 %]" for name in names), "intervals over")
        title = f"<h2>Over {escape(curve['option'])}: runs that differ in nothing but this strength and their seed</h2>"
        parts.append(title + picture(png, f"Over {curve['option']}") + table(head, rows))
    return "".join(parts)


def _value(value: Mapping[str, float] | None, digits: int) -> str:
    return "-" if value is None else with_interval(value, f".{digits}f")


def _differences(comparison: Mapping[str, Any], names: Mapping[str, str]) -> str:
    rows = [
        (
            names[item["other"]], item["measure"]["label"], format_signed(item), item["difference"]["n"], item["claim"],
            OTHER_NOISE if item["other_noise"] else "the same pairs",
        )
        for item in comparison["differences"]
    ]  # fmt: skip
    head = ("run", "measure", "run - first [95 %]", "samples", "claim", "paired over")
    title = "<h2>Differences from the first run, paired over test samples</h2>"
    return title + table(head, rows) if rows else ""


def _seeds(comparison: Mapping[str, Any]) -> str:
    """Means over seeds, and the differences of groups; nothing where no experiment has two seeds."""
    groups = comparison["groups"]
    if not groups:
        return ""
    digits = {item["column"]: item for item in comparison["measures"]}
    means: list[Row] = [
        (
            _group(group),
            len(group["seeds"]),
            digits[column]["label"],
            with_interval(value, f".{digits[column]['digits']}f"),
        )
        for group in groups
        for column, value in group["means"].items()
    ]  # fmt: skip
    rows: list[Row] = [
        (
            _group(groups[item["other"]]),
            item["measure"]["label"],
            format_signed(item),
            len(item["seeds"]),
            item["claim"],
        )
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
    """A column per run; of many runs, tables under each other."""
    runs = [run["run_id"] for run in comparison["runs"]]
    if not comparison["settings"]:
        return "<h2>What differs</h2><p>Nothing: the same settings, code and device.</p>"
    tables = []
    for some in _batches(runs):
        rows = [(name, *(shorten(values[run]) for run in some)) for name, values in comparison["settings"].items()]
        tables.append(table(("setting", *(run[:SHORT] for run in some)), rows))
    return f"<h2>What differs</h2><div class='fitted'>{''.join(tables)}</div>"


def _batches(runs: Sequence[str]) -> list[Sequence[str]]:
    return [runs[first : first + BESIDE] for first in range(0, len(runs), BESIDE)]


def _pictures(title: str, pictures: Mapping[str, bytes], names: Mapping[str, str]) -> str:
    shown = [f"<p>{escape(names[run])}</p>{picture(png, f'{title}: {names[run]}')}" for run, png in pictures.items()]
    return f"<h2>{title}</h2>{''.join(shown)}" if shown else ""
