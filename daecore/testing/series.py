"""Checks of series: studies that load, recipes that can be run, and findings that can be shown.

A study is run in a small laboratory, where its numbers mean nothing: what is checked is their form. Not run is what
needs a download, and what comes after half a minute.
"""

import math
import time
from collections.abc import Iterator

from daecore.device import Device
from daecore.errors import DataError, describe_error
from daecore.experiment.experiment import Experiment, parse, read
from daecore.experiment.feasibility import check
from daecore.experiment.stack_layers import check_stack, is_stack
from daecore.plugin.registry import registry
from daecore.plugin.series import Series
from daecore.plugin.spec import spec
from daecore.study.series import find_study
from daecore.study.study import Findings, Measured, Picture, Study, Table
from daecore.testing.contract import Check, NotChecked, Subject, Violation
from daecore.testing.laboratory import SmallLaboratory

ONE_CORE = Device(kind="cpu", precision="float32", threads=1)
SECONDS = 30  # after which no further study is begun
PNG = b"\x89PNG\r\n\x1a\n"
WORDS = 3  # of the shortest sentence


def _check_loading(subject: Subject[Series]) -> str:
    studies = [find_study(subject.extension, name) for name in subject.extension.ids]
    for study in studies:
        for name, text in (("title", study.title), ("description", study.description)):
            if not text.strip():
                raise Violation(f"a {name} of the study {study.id!r}", "it is empty", "Say what the study is about.")
        if not study.recipes:
            raise Violation(
                f"recipes of the study {study.id!r}",
                "it names none",
                "Name those it trains: they are part of what its findings depend on.",
            )
    return f"{len(studies)} studies"


def _recipes(subject: Subject[Series]) -> str:
    series = subject.extension
    studies = [find_study(series, name) for name in series.ids]
    others = {recipe for study in studies for recipe in study.recipes if recipe not in series.recipes()}
    lost = sorted(recipe for recipe in others if recipe.startswith(f"{series.name}/"))
    if lost:
        raise Violation(
            "a YAML file in the series' package for each recipe a study names",
            f"there is none for {', '.join(lost)}",
            f"Add {lost[0].partition('/')[2]}.yaml, and let your package's data include it.",
        )
    for path in series.recipes().values():
        experiment = parse(read(path))
        check(experiment)
        if is_stack(experiment):
            check_stack(experiment)
    beside = f"; of the laboratory: {', '.join(sorted(others))}" if others else ""
    return f"{len(series.recipes())} recipes{beside}"


def _findings(subject: Subject[Series]) -> str:
    series, began = subject.extension, time.perf_counter()
    ran, left = list[str](), list[str]()
    for study in (find_study(series, name) for name in series.ids):
        reason = _not_run(series, study)
        if not reason and time.perf_counter() - began > SECONDS:
            reason = "those before took long"
        if not reason:
            try:
                with ONE_CORE.apply():
                    found = study.run(SmallLaboratory(series.recipes(), subject.cache))
                check_findings(study, found)
                ran.append(study.id)
            except DataError as error:
                reason = " ".join(str(error).split())
            except Violation:
                raise
            except Exception as error:
                came = f"it raised {describe_error(error)}"
                raise Violation(f"findings of the study {study.id!r}", came, "Mend the study.") from error
        left += [f"{study.id} ({reason})"] if reason else []
    told = f"; not run: {', '.join(left)}" if left else ""
    if not ran:
        raise NotChecked(f"no study could be run here{told}")
    return f"{', '.join(ran)} in {time.perf_counter() - began:.0f} s{told}"


def check_findings(study: Study, found: object) -> None:
    """Whether findings can be shown: finite numbers, PNG pictures, whole tables, sentences.

    Raises:
        Violation: They cannot.
    """
    if not isinstance(found, Findings):
        raise Violation(f"Findings of the study {study.id!r}", f"it gave {type(found).__name__}", "Return Findings.")
    faults = [*_figures(found), *_pictures(found), *_tables(found), *_notes(found)]
    if faults:
        raise Violation(f"findings of the study {study.id!r} that can be shown", "; ".join(faults), "Mend them.")


def _figures(found: Findings) -> Iterator[str]:
    if not found.figures:
        yield "there is no figure"
    for name, figure in found.figures.items():
        if not isinstance(figure, Measured):
            yield f"the figure {name} is no Measured"
        elif not all(math.isfinite(value) for value in (figure.value, figure.low, figure.high) if value is not None):
            yield f"the figure {name} is not finite: {figure.value} [{figure.low}, {figure.high}]"


def _pictures(found: Findings) -> Iterator[str]:
    names = [picture.name for picture in found.pictures]
    if len(set(names)) < len(names):
        yield f"two pictures have one name: {', '.join(names)}"
    for picture in found.pictures:
        if not (isinstance(picture, Picture) and picture.png.startswith(PNG)):
            yield f"the picture {getattr(picture, 'name', picture)!r} is no PNG file"
        elif not picture.caption.strip():
            yield f"the picture {picture.name!r} has no caption"


def _tables(found: Findings) -> Iterator[str]:
    for table in found.tables:
        if not isinstance(table, Table) or any(len(row) != len(table.head) for row in table.rows):
            yield f"the table {getattr(table, 'title', table)!r} has not a cell in each row for each column"


def _notes(found: Findings) -> Iterator[str]:
    for note in found.notes:
        if not isinstance(note, str) or len(note.split()) < WORDS or not note.rstrip().endswith((".", "!", "?", ")")):
            yield f"the note {note!r} is no sentence"


def _not_run(series: Series, study: Study) -> str:
    """Why a study is not run here; empty where it is."""
    others = [recipe for recipe in study.recipes if recipe not in series.recipes()]
    if others:
        return f"{others[0]} is a recipe of the laboratory"
    experiments = [parse(read(series.recipes()[recipe])) for recipe in study.recipes]
    needed = sorted({each.dataset.name for each in experiments if _downloads(each)})
    return f"{', '.join(needed)}: a download" if needed else ""


def _downloads(experiment: Experiment) -> bool:
    """Whether a dataset must be fetched, or is made of one that must."""
    data = experiment.dataset
    parts = [data.name, *(str(value) for value in data.options.model_dump().values())]
    known = registry().names("dataset")
    return any(spec("dataset", part).extension.download_bytes > 0 for part in parts if part in known)


CHECKS = (
    Check("every study loads and says what it is", _check_loading),
    Check("every recipe is there and can be run", _recipes),
    Check("a study's findings can be shown", _findings),
)
