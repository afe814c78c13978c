"""Running one study: its key, its MLflow run, its section; a cached Prefect task.

A study that was stopped goes on in its own run, and takes what it has trained from the cache.
"""

import tempfile
import time
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from prefect.transactions import CommitMode, transaction

from daecore.device import computing_with, resolve_device
from daecore.experiment.provenance import provenance, used_by
from daecore.plugin.registry import find_series
from daecore.plugin.series import Series
from daecore.plugin.source_digest import modules_of, source_digest
from daecore.plugin.spec import digest, spec
from daecore.study.series import find_study
from daecore.study.study import Findings, Study

from ..stages.caller import intact
from ..stages.dataset import dataset_request
from ..stages.every import code_digests
from ..stages.kept_task import KeptTask
from ..stages.key import NO_RESULT, StageKey
from ..store import tracking
from ..store.housekeeping import STUDY
from ..store.store import current_store
from ..store.usage import usage
from . import section
from .laboratory import Laboratory, read_recipe
from .section import Section, StudyRequest

SECTION = "dae.section"  # a study's tag: what it has found, by which another process takes it
SHOWN = 60  # figures that become metrics of the run; all of them are in its section.json


def request(series: Series, name: str, *, quick: bool, threads: int = 0) -> StudyRequest:
    """What a study's section depends on: its code and the core's, its recipes, their data and plugins, the device."""
    study = find_study(series, name)
    experiments = {name: read_recipe(name) for name in study.recipes}
    specs = [each for experiment in experiments.values() for each in used_by(experiment)]
    specs += [spec("corruption", value) for value in study.also]
    inputs = {
        "series": series.name,
        "quick": quick,
        "recipes": {name: experiment.model_dump(mode="json") for name, experiment in experiments.items()},
        "datasets": sorted({digest(dataset_request(experiment).key) for experiment in experiments.values()}),
    }
    written = [source_digest(name, within=(name,)) for name in _WRITTEN]
    core = source_digest(*modules_of("daecore"), leave_out=NO_RESULT)
    key = StageKey(
        stage=f"study {study.id}",
        code=digest([own_digest(series, name), *written, core, *code_digests()]),
        plugins=tuple(provenance(specs).values()),
        inputs=digest(inputs),
        device=resolve_device().model_copy(update={"threads": threads}),
    )
    return StudyRequest(key=key, series=series.name, id=study.id, quick=quick, threads=threads)


def own_digest(series: Series, name: str) -> str:
    """What a study's own code is: its module, and what that imports from its distribution."""
    return source_digest(series.module_of(name))


@partial(KeptTask, name="study", task_run_name="{request.id}")
def conduct(request: StudyRequest, parent: str, fresh: bool = False) -> Section:
    """Train, measure and draw; everything lands in an MLflow run of the study's own."""
    store, began = current_store(), time.perf_counter()
    study = find_study(find_series(request.series), request.id)
    key = digest(request.key)
    with store.lock(f"study-{key}") as waited:
        if waited and (found := _find_conducted(key)) is not None:
            return found  # by the process that was waited for
        run = _begin(study, request, parent, key)
        # At once: else what a study has trained would be in the cache only when the whole study has ended.
        with tracking.end_run(run), transaction(commit_mode=CommitMode.EAGER):
            since = tracking.began(parent)
            with Laboratory(store, run, quick=request.quick, fresh=fresh, threads=request.threads, since=since) as lab:
                findings = _findings(study, lab)
            content = section.content(study, findings, lab.used, quick=request.quick, made=_date_and_commit())
            files = section.write(request, content, findings, store)
            found = Section(id=study.id, run_id=run, seconds=time.perf_counter() - began, files=files)
            _record(found, content, findings, {key, *lab.call.uses})
    return found


def _findings(study: Study, lab: Laboratory) -> Findings:
    """What a study finds; what it computes itself, outside of stages, holds no cores, and so takes one thread."""
    with computing_with(1):
        return study.run(lab)


def _find_conducted(key: str) -> Section | None:
    """The section of a study that is finished and whole."""
    run = tracking.training_run(key)
    if run is None or SECTION not in run.data.tags:
        return None
    found = Section.of(run.data.tags[SECTION])
    return found if found is not None and intact(found) else None


def _date_and_commit() -> dict[str, str]:
    """The day and the commit."""
    return {"date": date.today().isoformat(), "commit": tracking.environment()["git"]}


def _begin(study: Study, request: StudyRequest, parent: str, key: str) -> str:
    """The study's run: that of an attempt which did not end well, else a new one."""
    earlier = tracking.training_run(key)
    if earlier is not None and earlier.info.status != "FINISHED":
        run = str(earlier.info.run_id)
        tracking.proceed(run)
        tracking.tag(run, {tracking.PARENT: parent, **tracking.environment()})
        return run
    tags = {
        "stage": STUDY,
        "series": request.series,
        "study": study.id,
        "quick": str(request.quick),
        tracking.KEY: key,
        **tracking.environment(),
    }
    return tracking.start_child(parent, study.id, tags, {"quick": request.quick, "recipes": list(study.recipes)})


def _record(found: Section, content: Mapping[str, Any], findings: Findings, uses: set[str]) -> None:
    """Numbers, pictures and the way to them, into the study's run."""
    run, folders = found.run_id, {ref.path.split("/")[1] for ref in found.files.values()}
    shown = list(findings.figures.items())[:SHOWN]
    tracking.log_metrics(run, {_metric(name): figure.value for name, figure in shown})
    tracking.log_json(run, content, section.CONTENT)
    with tempfile.TemporaryDirectory() as scratch:
        for picture in findings.pictures:
            path = Path(scratch) / f"{picture.name}.png"
            path.write_bytes(picture.png)
            tracking.log_file(run, path)
    note = "\n\n".join([content["title"], content["description"], *findings.notes])
    tracking.tag(run, {"mlflow.note.content": note, SECTION: found.model_dump_json(), **usage({*uses, *folders})})


def _metric(name: str) -> str:
    """The figure's name as MLflow allows it."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)


_TOP = __name__.split(".", maxsplit=1)[0]
# What every study's findings go through, and what a stack's layers are.
_WRITTEN = tuple(f"{_TOP}.{name}" for name in ("studies.section", "stacking.layering"))
