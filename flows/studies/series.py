"""Running a series: study after study, then the gallery of what they found; the body of the flow `study`.

Knows no series by name. A study that fails is told and does not keep the others from being run.
"""

import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from prefect import runtime
from prefect.artifacts import create_markdown_artifact

from daecore.errors import DaecoreError, describe_error
from daecore.html.gallery import gallery
from daecore.plugin.series import Series
from daecore.record import Record
from daecore.study.series import overview_tables

from .. import interrupts
from ..stages.caller import Caller, intact
from ..store import tracking
from ..store.files import write_atomically
from ..store.housekeeping import SERIES
from ..store.store import Store, current_store
from ..workers.console import PROGRESS, give_levels
from . import conduct
from .section import Section

log = logging.getLogger(PROGRESS)


class SeriesReport(Record):
    """What a series gave.

    Attributes:
        series: Which.
        run_id: Its MLflow run.
        sections: The studies that were run.
        failed: Why the others were not, by id.
        seconds: What each took this time.
        gallery: Where the page lies, inside the store.
    """

    series: str
    run_id: str
    sections: tuple[Section, ...]
    failed: dict[str, str]
    seconds: dict[str, float]
    gallery: str


def run_series(series: Series, only: Sequence[str], *, quick: bool, fresh: bool, threads: int) -> SeriesReport:
    """Run the studies and write the gallery, inside the present flow run; what is there already is reused.

    Args:
        series: The series.
        only: Which studies; all of them if empty.
        quick: Small budgets, the same pictures.
        fresh: Ignore cached results and train anew.
        threads: CPU threads of every training; 0: left open.
    """
    names, store = series.select(only), current_store()
    give_levels()
    tracking.prepare(store)
    tracking.reconcile()
    run = _begin(series, names, quick, store)
    with tracking.end_run(run):
        found = _conduct(series, names, run, store, quick=quick, fresh=fresh, threads=threads)
        _show(series, found, store)
        if not found.sections:
            raise DaecoreError(f"None of the studies could be run. {_reasons(found.failed)}")
    return found


def report(found: SeriesReport, store: Store) -> dict[str, Any]:
    """What ``--report`` writes: ``{"experiments": {id: {"figures", "run_id", "seconds"}}, ...}``."""
    return {
        "experiments": {
            section.id: {
                "figures": section.content(store)["figures"],
                "run_id": section.run_id,
                "seconds": round(section.seconds, 1),
            }
            for section in found.sections
        },
        "series": found.series,
        "failed": found.failed,
        "run_id": found.run_id,
        "date": date.today().isoformat(),
        "commit": tracking.environment()["git"],
    }


def _begin(series: Series, names: Sequence[str], quick: bool, store: Store) -> str:
    """The series' run: that of an earlier one on the same studies that was stopped, else a new one."""
    mlflow_experiment = tracking.experiment_id(series.name, store)  # given back if it was removed
    asked = f"{'quick' if quick else 'whole'} {' '.join(names)}"
    found = tracking.runs(
        f"tags.stage = '{SERIES}' and tags.series = '{series.name}' and tags.asked = '{asked}'", limit=1
    )
    flow_run = {tracking.FLOW_RUN: str(runtime.flow_run.id or "")}
    if found and found[0].info.status in ("KILLED", "FAILED"):
        run = str(found[0].info.run_id)
        tracking.proceed(run)
        tracking.tag(run, {**flow_run, **tracking.environment()})
        return run
    tags = {"stage": SERIES, "series": series.name, "asked": asked, **flow_run, **tracking.environment()}
    return tracking.start(mlflow_experiment, f"{series.name} ({'quick' if quick else 'whole'})", tags, {"quick": quick})


def _conduct(
    series: Series, names: Sequence[str], run: str, store: Store, *,
    quick: bool, fresh: bool, threads: int,
) -> SeriesReport:  # fmt: skip
    """Study after study; what fails is told, and the next one begins."""
    call, sections, failed, seconds = Caller(fresh, run), [], {}, {}
    for number, name in enumerate(names, 1):
        began = time.perf_counter()
        log.info("study %d of %d: %s", number, len(names), name)
        try:
            request = conduct.request(series, name, quick=quick, threads=threads)
            sections.append(call(conduct.conduct, request, run, fresh, intact=intact, name=name))
        except Exception as error:
            if interrupts.was_interrupted():
                raise KeyboardInterrupt from error
            failed[name] = describe_error(error)
            log.warning("%s failed: %s", name, failed[name], exc_info=not isinstance(error, DaecoreError))
        seconds[name] = round(time.perf_counter() - began, 2)
    path = store.studies / f"{_stem(series, names, quick)}.html"
    return SeriesReport(
        series=series.name, run_id=run, sections=tuple(sections), failed=failed, seconds=seconds,
        gallery=str(path.relative_to(store.root)),
    )  # fmt: skip


def _stem(series: Series, names: Sequence[str], quick: bool) -> str:
    """Under which name a gallery is kept: another choice of studies does not overwrite the whole one."""
    chosen = "" if len(names) == len(series.ids) else "-" + "-".join(names)
    return f"{series.name}{'-quick' if quick else ''}{chosen}"


def _show(series: Series, found: SeriesReport, store: Store) -> None:
    """Write the gallery and the report: into the store, the series' run, and Prefect's page."""
    said, run = report(found, store), found.run_id
    sections = [
        {**section.content(store), "run_id": section.run_id, "link": tracking.run_page(section.run_id),
         "seconds": section.seconds}
        for section in found.sections
    ]  # fmt: skip
    pictures = {section.id: section.pictures(store) for section in found.sections}
    made = {"date": said["date"], "commit": said["commit"], "series": series.name}
    tables = [asdict(table) for table in overview_tables(series, said["experiments"])]
    page = gallery(series.title, sections, pictures, tables=tables, failed=found.failed, made=made)
    path = store.root / found.gallery
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / f"{series.name}.html"
        file.write_text(page, encoding="utf-8")
        tracking.log_file(run, file)
    tracking.log_json(run, said, f"{series.name}.json")
    tracking.log_metrics(run, {f"seconds.{section.id}": section.seconds for section in found.sections})
    # Prefect's keys have no underscore.
    create_markdown_artifact(
        markdown=_card(found, sections), key=found.series.replace("_", "-"), description=series.title
    )


def _card(found: SeriesReport, sections: Sequence[dict[str, Any]]) -> str:
    """What Prefect's page shows: the way to the gallery, and a line per study."""
    link = tracking.artifact_page(found.run_id, f"{found.series}.html")
    lines = [f"**[Open the gallery]({link})**" if link else f"Gallery: `{found.gallery}` in the store", ""]
    lines += [f"- **{section['title']}** ({section['id']}): {len(section['figures'])} figures" for section in sections]
    lines += [f"- {name}: failed. {reason}" for name, reason in found.failed.items()]
    return "\n".join(lines)


def _reasons(failed: dict[str, str]) -> str:
    return " ".join(f"{name}: {reason}" for name, reason in failed.items())
