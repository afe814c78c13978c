"""Section: what a study found, on disk: a JSON file and its pictures, named by the study's key.

Knows the store's folders. Does not know how findings come about.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError, field_validator

from daecore.errors import StoreError, in_a_line, quote
from daecore.experiment.experiment import Experiment
from daecore.json_text import parse_json
from daecore.plugin.spec import digest
from daecore.record import Record
from daecore.study.study import Findings, Measured, Study

from ..stages.stage import Request
from ..store.file_ref import FileRef, file_ref
from ..store.files import write_atomically
from ..store.store import Store

CONTENT = "section.json"


class _Named(Record):
    name: str
    caption: str


class _Table(Record):
    title: str
    head: list[str]
    rows: list[list[str]]


class _Made(Record):
    date: str
    commit: str


class _Content(Record):
    """What the file of a section holds."""

    id: str
    title: str
    description: str
    quick: bool
    figures: dict[str, Measured]
    tables: list[_Table]
    notes: list[str]
    pictures: list[_Named]
    experiments: dict[str, dict[str, Any]]
    made: _Made

    @field_validator("figures")
    @classmethod
    def _have_whole_intervals(cls, figures: dict[str, Measured]) -> dict[str, Measured]:
        if any((it.low is None) != (it.high is None) for it in figures.values()):
            raise ValueError("an interval has one end")
        return figures


class StudyRequest(Request):
    """Conduct a study.

    Attributes:
        series: The series it belongs to.
        id: Which.
        quick: With small budgets.
        threads: CPU threads of every training; 0: left open.
    """

    series: str
    id: str
    quick: bool
    threads: int = 0


class Section(Record):
    """A finished study.

    Attributes:
        id: Which.
        run_id: Its MLflow run.
        seconds: What it took when it was conducted, trainings that were reused not counted.
        files: The content as JSON, and its pictures.
    """

    id: str
    run_id: str
    seconds: float
    files: dict[str, FileRef]

    @classmethod
    def of(cls, tag: str) -> "Section | None":
        """The section that a run's tag describes; None where somebody has changed it: the study is then run again."""
        try:
            found = cls.model_validate_json(tag)
        except ValidationError:
            return None
        return found if CONTENT in found.files else None

    def content(self, store: Store) -> dict[str, Any]:
        """Heading, figures, tables, notes, captions, settings.

        Raises:
            StoreError: Its file is not what `write` has written.
        """
        path = self.files[CONTENT].absolute(store)
        try:
            found = _Content.model_validate(parse_json(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise self._other(path, in_a_line(str(error))) from None
        if lacking := {it.name for it in found.pictures} - {Path(ref.path).stem for ref in self.files.values()}:
            raise self._other(path, f"there is no picture {quote(min(lacking))}")
        return found.model_dump(mode="json")

    def _other(self, path: Path, why: str) -> StoreError:
        return StoreError(
            f"The study {quote(self.id)} should lie in {path} as `dae study` writes it, but somebody has changed it: "
            f"{why}. Give its command again with --fresh."
        )

    def pictures(self, store: Store) -> dict[str, bytes]:
        """The PNG files by name."""
        files = {name: ref.absolute(store) for name, ref in self.files.items()}
        return {path.stem: path.read_bytes() for path in files.values() if path.suffix == ".png"}


def content(
    study: Study, findings: Findings, used: Mapping[str, Experiment], *, quick: bool, made: Mapping[str, str]
) -> dict[str, Any]:
    """A study and its findings as JSON.

    Args:
        study: The study.
        findings: What it has found.
        used: The experiments it has asked for, by the arguments of `dae` that run them.
        quick: Whether its budgets were small.
        made: The day and the commit.
    """
    return {
        "id": study.id,
        "title": study.title,
        "description": study.description,
        "quick": quick,
        "figures": {name: figure.model_dump(mode="json") for name, figure in findings.figures.items()},
        "tables": [
            {"title": table.title, "head": table.head, "rows": [[str(cell) for cell in row] for row in table.rows]}
            for table in findings.tables
        ],
        "notes": list(findings.notes),
        "pictures": [{"name": picture.name, "caption": picture.caption} for picture in findings.pictures],
        "experiments": {name: experiment.model_dump(mode="json") for name, experiment in used.items()},
        "made": dict(made),
    }


def write(request: StudyRequest, found: Mapping[str, Any], findings: Findings, store: Store) -> dict[str, FileRef]:
    """Write the files of a section; their references by name."""
    folder = store.results / f"study-{request.id}-{digest(request.key)[:32]}"
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, bytes] = {f"{picture.name}.png": picture.png for picture in findings.pictures}
    files[CONTENT] = json.dumps(found, indent=1, allow_nan=False).encode()
    return {name: _write(folder / name, data, store) for name, data in files.items()}


def _write(path: Path, data: bytes, store: Store) -> FileRef:
    write_atomically(path, data)
    return file_ref(store, path)
