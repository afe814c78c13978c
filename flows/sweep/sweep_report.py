"""What a sweep found, for people: a table, a picture, the best experiment; written into its MLflow run."""

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from ..store import tracking
from . import measures
from .plan import SweepPlan
from .search_space import labels
from .trials import SweepRecord, Trial, best

SHOWN = 30  # rows of the table in a note


def write(asked: SweepPlan, record: SweepRecord) -> None:
    """Table, picture, best experiment, tags and note, into the sweep's run."""
    run, table = record.run_id, rows(asked, record)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "sweep.csv").write_text(_csv(table), encoding="utf-8")
        (folder / "sweep.json").write_text(record.model_dump_json(indent=2), encoding="utf-8")
        picture = _picture(asked, record)
        if picture:
            (folder / "parallel_coordinates.png").write_bytes(picture)
        chosen = chosen_of(asked, record)
        if chosen is not None:
            experiment = asked.candidate(chosen.point).experiment
            text = experiment.dump() if experiment else ""
            (folder / "best.yaml").write_text(f"# the best of the sweep {asked.key[:12]} by {asked.measure}\n{text}")
        for path in sorted(folder.iterdir()):
            tracking.log_file(run, path)
    states = [trial.state for trial in record.trials]
    tracking.log_metrics(run, {f"trials.{state}": states.count(state) for state in set(states)})
    tracking.tag(run, {"mlflow.note.content": markdown(asked, record), **_best_tags(asked, chosen)})
    if chosen is not None and chosen.value is not None:
        tracking.log_metrics(run, {f"best.{asked.measure}": chosen.value})


def chosen_of(asked: SweepPlan, record: SweepRecord) -> Trial | None:
    """The best trial; None where none finished, or figures of several tasks cannot be compared."""
    higher = measures.higher_is_better(asked.measure)
    return best(record.trials, higher=higher) if asked.chooses else None


def rows(asked: SweepPlan, record: SweepRecord) -> list[dict[str, Any]]:
    """The table, a mapping per trial; with the 95 % interval and n where there are several seeds."""
    found = []
    for trial in record.trials:
        row: dict[str, Any] = {"trial": trial.number, **{path: _as_text(trial.point[path]) for path in asked.paths}}
        row[asked.measure] = trial.value
        if asked.seeds > 1:
            interval = trial.interval
            row |= {"low": interval and interval.low, "high": interval and interval.high}
            row["n"] = sum(run.state == "finished" for run in trial.runs)
        row |= {"state": trial.state, "reason": trial.reason}
        found.append(row | {"runs": " ".join(run.run_id for run in trial.runs if run.run_id)})
    return found


def sentence(asked: SweepPlan, trial: Trial) -> str:
    """A trial in one line: ``erasure.p=0.3 -> validation_loss 0.0412``."""
    names = labels(asked.paths)
    point = ", ".join(f"{names[path]}={_cell(_as_text(trial.point[path]))}" for path in asked.paths)
    return f"{point} -> {_figure(asked, trial) or f'{trial.state}: {trial.reason}'}"


def best_sentence(asked: SweepPlan, record: SweepRecord) -> str:
    """Which was best, or that none is told."""
    chosen = chosen_of(asked, record)
    if chosen is None:
        return "" if not asked.chooses else "No trial finished."
    told = f"Best of {len(record.trials)}: trial {chosen.number}, {sentence(asked, chosen)}"
    interval = chosen.interval
    return f"{told} (95 % over {interval.n} seeds: {interval.low:.4g} to {interval.high:.4g})" if interval else told


def markdown(asked: SweepPlan, record: SweepRecord) -> str:
    """The report as text: best, caution, table."""
    names = labels(asked.paths)
    table, hidden = rows(asked, record), ("runs",)
    columns = [name for name in (table[0] if table else {}) if name not in hidden]
    lines = [
        "| " + " | ".join(names.get(name, name) for name in columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(_cell(row[name]) for name in columns) + " |" for row in _sort(asked, table)[:SHOWN]),
    ]
    best_one, caution = best_sentence(asked, record), measures.caution(asked.measure, asked.paths)
    left = f"{len(table) - SHOWN} more in sweep.csv." if len(table) > SHOWN else ""
    parts = [f"# {asked.title}", f"**{best_one}**" if best_one else "", caution, "\n".join(lines), left]
    parts.append(f"MLflow run {record.run_id}")
    return "\n\n".join(part for part in parts if part)


def _sort(asked: SweepPlan, table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The best first where there is a best, those without a figure last."""
    sign = -1 if measures.higher_is_better(asked.measure) else 1
    if not asked.chooses:
        return table
    return sorted(table, key=lambda row: float("inf") if row[asked.measure] is None else sign * row[asked.measure])


def _figure(asked: SweepPlan, trial: Trial) -> str:
    return "" if trial.value is None else f"{asked.measure} {trial.value:.4g}"


def _best_tags(asked: SweepPlan, chosen: Trial | None) -> dict[str, str]:
    if chosen is None:
        return {"best": measures.caution(asked.measure, asked.paths) if not asked.chooses else ""}
    values = {f"best.{path}": str(_as_text(chosen.point[path])) for path in asked.paths}
    return {"best": f"trial {chosen.number}", **values, "best_run": chosen.runs[0].run_id}


def _picture(asked: SweepPlan, record: SweepRecord) -> bytes:
    from daecore.plots.figures import png
    from daecore.plots.parallel_coordinates import parallel_coordinates

    names = labels(asked.paths)
    drawn = [
        {**{names[path]: _as_text(trial.point[path]) for path in asked.paths}, asked.measure: trial.value}
        for trial in record.trials
    ]
    if not drawn:
        return b""
    log = [names[dimension.path] for dimension in asked.space if dimension.log]
    chosen = chosen_of(asked, record)
    higher = measures.higher_is_better(asked.measure)
    number = None if chosen is None else record.trials.index(chosen)
    return png(parallel_coordinates(drawn, asked.measure, higher=higher, log=log, best=number))


def _as_text(value: Any) -> Any:
    """A value as it stands in a table: numbers as they are, ``conv(code=16)`` for an extension, else JSON."""
    if isinstance(value, dict) and len(value) == 1:
        name, options = next(iter(value.items()))
        if not options:
            return name
        if isinstance(options, dict):
            return f"{name}({', '.join(f'{key}={item}' for key, item in options.items())})"
    return value if isinstance(value, int | float | str) else json.dumps(value)


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def _csv(table: list[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(table[0]) if table else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return buffer.getvalue()
