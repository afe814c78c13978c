"""The flow `lecture`: every study in the lecture's order, then the gallery of what they found.

A study that fails is told and does not keep the others from being conducted.
"""

import logging
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from prefect import flow, runtime
from prefect.artifacts import create_markdown_artifact

from daecore.errors import DaecoreError
from daecore.gallery import gallery

from .. import tracking
from ..artifacts import PROGRESS
from ..calling import Caller, intact
from ..housekeeping import LECTURE
from ..records import Record
from ..store import Store, current_store, write_atomically
from . import conducting
from .section import Section
from .studies import IDS, selected, study

log = logging.getLogger(PROGRESS)
REPORT, GALLERY = "lecture.json", "lecture.html"


class Lectured(Record):
    """What a lecture gave.

    Attributes:
        run_id: Its MLflow run.
        sections: The studies that were conducted.
        failed: Why the others were not, by id.
        seconds: What each took this time.
        gallery: Where the page lies, inside the store.
    """

    run_id: str
    sections: tuple[Section, ...]
    failed: dict[str, str]
    seconds: dict[str, float]
    gallery: str


def _run_name() -> str:
    """What runs, for Prefect's lists: ``lecture arc, n2n (quick)``."""
    given = runtime.flow_run.parameters
    named = ", ".join(given.get("only") or ()) or "whole"
    return f"lecture {named}{' (quick)' if given.get('quick') else ''}"


@flow(name="lecture", flow_run_name=_run_name, persist_result=False)
def lecture(only: tuple[str, ...] = (), quick: bool = False, fresh: bool = False) -> Lectured:
    """Conduct the lecture's experiments and write the gallery; what is there already is reused.

    Args:
        only: Which studies, as arc or n2n; all of them if empty.
        quick: Small budgets, the same pictures.
        fresh: Ignore cached results and train anew.
    """
    names, store = selected(only), current_store()
    logging.getLogger(PROGRESS).setLevel(logging.INFO)  # Prefect gives no level to the loggers it listens to
    tracking.prepare(store)
    tracking.reconcile()
    folder = tracking.experiment_id(LECTURE, store)
    run = _begun(folder, names, quick)
    with tracking.ended(run):
        lectured = _conducted(names, folder, run, store, quick=quick, fresh=fresh)
        _show(lectured, store)
        if not lectured.sections:
            raise DaecoreError(f"None of the studies could be conducted. {_reasons(lectured.failed)}")
    return lectured


def report(lectured: Lectured, store: Store) -> dict[str, Any]:
    """What ``--report`` writes: ``{"experiments": {id: {"figures", "run_id", "seconds"}}, ...}``."""
    found = {section.id: section for section in lectured.sections}
    return {
        "experiments": {
            name: {
                "figures": section.content(store)["figures"],
                "run_id": section.run_id,
                "seconds": round(section.seconds, 1),
            }
            for name, section in found.items()
        },
        "failed": lectured.failed,
        "run_id": lectured.run_id,
        "date": date.today().isoformat(),
        "commit": tracking.environment()["git"],
    }


def _begun(folder: str, names: Sequence[str], quick: bool) -> str:
    """The lecture's run: that of a lecture on the same studies that was stopped, else a new one."""
    asked = f"{'quick' if quick else 'whole'} {' '.join(names)}"
    found = tracking.runs(f"tags.stage = '{LECTURE}' and tags.asked = '{asked}'", limit=1)
    flow_run = {tracking.FLOW_RUN: str(runtime.flow_run.id or "")}
    if found and found[0].info.status in ("KILLED", "FAILED"):
        run = str(found[0].info.run_id)
        tracking.proceed(run)
        tracking.tag(run, {**flow_run, **tracking.environment()})
        return run
    tags = {"stage": LECTURE, "asked": asked, **flow_run, **tracking.environment()}
    return tracking.start(folder, f"lecture ({'quick' if quick else 'whole'})", tags, {"quick": quick})


def _conducted(names: Sequence[str], folder: str, run: str, store: Store, *, quick: bool, fresh: bool) -> Lectured:
    """Study after study; what fails is told, and the next one begins."""
    call, sections, failed, seconds = Caller(fresh), [], {}, {}
    for name in names:
        began = time.perf_counter()
        try:
            request = conducting.request(study(name), quick=quick)
            sections.append(call(conducting.conduct, request, folder, run, fresh, intact=intact, name=name))
        except Exception as error:
            failed[name] = " ".join(str(error).split())[:1000] or type(error).__name__
            log.warning("%s failed: %s", name, failed[name], exc_info=not isinstance(error, DaecoreError))
        seconds[name] = round(time.perf_counter() - began, 2)
    place = store.root / "lecture" / f"{_stem(names, quick)}.html"
    return Lectured(
        run_id=run, sections=tuple(sections), failed=failed, seconds=seconds, gallery=str(place.relative_to(store.root))
    )


def _stem(names: Sequence[str], quick: bool) -> str:
    """Under which name a gallery is kept: another choice of studies does not overwrite the whole one."""
    chosen = "" if len(names) == len(IDS) else "-" + "-".join(names)
    return f"lecture{'-quick' if quick else ''}{chosen}"


def _show(lectured: Lectured, store: Store) -> None:
    """Write the gallery and the report: into the store, the lecture's run, and Prefect's page."""
    found, run = report(lectured, store), lectured.run_id
    sections = [
        {**section.content(store), "run_id": section.run_id, "link": tracking.run_page(section.run_id),
         "seconds": section.seconds}
        for section in lectured.sections
    ]  # fmt: skip
    pictures = {section.id: section.pictures(store) for section in lectured.sections}
    page = gallery(sections, pictures, failed=lectured.failed, made={"date": found["date"], "commit": found["commit"]})
    place = store.root / lectured.gallery
    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(place, page)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / GALLERY).write_text(page, encoding="utf-8")
        tracking.log_file(run, Path(scratch) / GALLERY)
    tracking.log_json(run, found, REPORT)
    tracking.log_metrics(run, {f"seconds.{section.id}": section.seconds for section in lectured.sections})
    create_markdown_artifact(markdown=_card(lectured, sections), key=LECTURE, description="the lecture's gallery")


def _card(lectured: Lectured, sections: Sequence[dict[str, Any]]) -> str:
    """What Prefect's page shows: the way to the gallery, and a line per study."""
    link = tracking.artifact_page(lectured.run_id, GALLERY)
    lines = [f"**[Open the gallery]({link})**" if link else f"Gallery: `{lectured.gallery}` in the store", ""]
    lines += [f"- **{section['title']}** ({section['id']}): {len(section['figures'])} figures" for section in sections]
    lines += [f"- {name}: failed. {reason}" for name, reason in lectured.failed.items()]
    return "\n".join(lines)


def _reasons(failed: dict[str, str]) -> str:
    return " ".join(f"{name}: {reason}" for name, reason in failed.items())
