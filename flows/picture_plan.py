"""Planning what is made of picture files: which file becomes which, and what is written beside it.

Knows names of files and folders. Reads no picture, and knows neither networks nor corruptions.

Beside a restored ``a.png``, samples of what it could have been are ``a-sample-1.png`` and so on, and their deviation
from each other is ``a-deviation.png``. Its bounds are ``a-lower.png`` and ``a-upper.png``, how far they are apart is
``a-width.png``.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from daecore.data.image_encoding import WRITTEN
from daecore.data.image_listing import identity
from daecore.data.image_search import find_images
from daecore.errors import InputError

LOSSY = (".jpg", ".jpeg")
FLOATS = (".pfm",)  # formats that are read only, of numbers that a PNG does not hold


@dataclass(frozen=True)
class Job:
    """One picture: where it lies, and where what is made of it goes.

    Attributes:
        source: The picture's file.
        target: The one that is made of it.
        samples: How many pictures of what it could have been are written beside.
        bounds: Whether its lower and upper bound, and how far they are apart, are written beside.
    """

    source: Path
    target: Path
    samples: int = 0
    bounds: bool = False

    @property
    def targets(self) -> tuple[Path, ...]:
        """All files that are written: the picture itself, samples, of several their deviation, and bounds."""
        beside = [f"sample-{number}" for number in range(1, self.samples + 1)]
        beside += ["deviation"] if self.samples > 1 else []
        beside += ["lower", "upper", "width"] if self.bounds else []
        return (self.target, *(self.target.with_stem(f"{self.target.stem}-{what}") for what in beside))


@dataclass(frozen=True)
class Plan:
    """What is to be done, and a line about what was found; empty for a single file."""

    jobs: tuple[Job, ...]
    found: str = ""


def plan(source: Path, target: Path, *, samples: int = 0, bounds: bool = False, force: bool = False) -> Plan:
    """Which file becomes which; a folder's pictures keep their names and subfolders.

    Of a folder's pictures in formats that are read only, such as ``a.gif``, PNG files are made: ``a.gif.png``; of
    ``a.pfm``, whose numbers are floats, ``a.pfm.tif``. With bounds PNG files are made of JPEG files, too, which would
    change them.

    Args:
        source: An image file, or a folder that is searched in all subfolders.
        target: A file; or a folder, where it is one, the source is one, or its name has no suffix.
        samples: How many pictures of what it could have been are written beside each.
        bounds: Whether bounds are written beside each.
        force: Whether files that are there may be replaced; a picture that is read never is.

    Raises:
        InputError: There is no picture, the target has an unknown format, two pictures have one target, or files would
            be overwritten.
    """
    planned = _from_folder(source, target, bounds) if source.is_dir() else Plan((_from_file(source, target, bounds),))
    planned = replace(planned, jobs=tuple(replace(job, samples=samples, bounds=bounds) for job in planned.jobs))
    _require_apart(planned.jobs)
    inputs = {identity(job.source) for job in planned.jobs} - {None}
    there = [path for job in planned.jobs for path in job.targets if path.exists()]
    own = [path for path in there if identity(path) in inputs]
    if own:
        raise InputError(f"{own[0]} is itself one of the pictures IN, and is never overwritten. Name another OUT.")
    lossy = [job.target for job in planned.jobs if job.target.suffix.lower() in LOSSY]
    if bounds and lossy:
        raise InputError(
            f"{lossy[0]} would lose what bounds promise: JPEG changes values. Name an OUT of .png or .tif."
        )
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise InputError(f"{there[0]}{more} would be overwritten. Name another OUT, or allow it with --force.")
    return planned


def _from_file(source: Path, target: Path, bounds: bool) -> Job:
    if not source.is_file():
        raise InputError(f"There is no picture and no folder {source}.")
    file = target if target.suffix and not target.is_dir() else _writable(target / source.name, bounds)
    if file.suffix.lower() not in WRITTEN:
        raise InputError(f"{file} says no format that can be written; its suffix may be {', '.join(WRITTEN)}.")
    return Job(source, file)


def _from_folder(source: Path, target: Path, bounds: bool) -> Plan:
    if target.exists() and not target.is_dir():
        raise InputError(f"{source} is a folder, so OUT must be one, too; {target} is a file.")
    if target.resolve() == source.resolve():
        raise InputError(f"{target} holds the pictures IN, which are never overwritten. Name another OUT.")
    found = find_images(source, skip=target)
    if not found.files:
        raise InputError(f"There is no picture in {source}: {found}. {found.searched_for}")
    jobs = tuple(Job(path, _writable(target / path.relative_to(source), bounds)) for path in found.files)
    return Plan(jobs, f"{source} has {found}")


def _require_apart(jobs: tuple[Job, ...]) -> None:
    sources: dict[Path, Path] = {}
    for file, source in ((file, job.source) for job in jobs for file in job.targets):
        other = sources.setdefault(file, source)
        if other != source:
            raise InputError(
                f"{other} and {source} would both become {file}, and one of them be lost. Nothing was "
                "written. Rename one of them, or give one on its own."
            )


def _writable(file: Path, bounds: bool) -> Path:
    """The file, or one beside it in a format that can be written, and that keeps bounds as they are."""
    suffix = file.suffix.lower()
    kept = suffix in WRITTEN and not (bounds and suffix in LOSSY)
    return file if kept else file.with_name(f"{file.name}{'.tif' if suffix in FLOATS else '.png'}")
