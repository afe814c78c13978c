"""Restoring a user's picture files: which file becomes which, and one file at a time.

Knows files and a `Restorer`. Knows no run, no store and no flow.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from daecore.data.image_encoding import WRITTEN, encode_image
from daecore.data.image_file import read_image
from daecore.data.image_search import find_images, identity
from daecore.data.samples import as_float
from daecore.errors import DataError, InputError
from daecore.model.restorer import Restorer
from daecore.model.tiling import tile_count

from .store.files import write_atomically

Size = tuple[int, int]  # width, height


@dataclass(frozen=True)
class Job:
    """One picture: where it lies, and where its restoration goes."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Done:
    """How one picture went: its size before and after, the tiles it was cut into, the seconds it took, and notes."""

    before: Size
    after: Size
    tiles: int
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is to be done, and a line about what was found; empty for a single file."""

    jobs: tuple[Job, ...]
    found: str = ""


def plan(source: Path, target: Path, *, force: bool = False) -> Plan:
    """Which file becomes which; a folder's pictures keep their names and subfolders.

    Of a folder's pictures in formats that are read only, such as ``a.gif``, PNG files are made: ``a.gif.png``.

    Args:
        source: An image file, or a folder that is searched in all subfolders.
        target: A file; or a folder, where it is one, the source is one, or its name has no suffix.
        force: Whether files that are there may be replaced; a picture to be restored never is.

    Raises:
        InputError: There is no picture, the target has an unknown format, two pictures have one target, or files would
            be overwritten.
    """
    planned = _from_folder(source, target) if source.is_dir() else Plan((_from_file(source, target),))
    _require_apart(planned.jobs)
    inputs = {identity(job.source) for job in planned.jobs} - {None}
    there = [job.target for job in planned.jobs if job.target.exists()]
    own = [path for path in there if identity(path) in inputs]
    if own:
        raise InputError(f"{own[0]} is itself a picture to be restored, and is never overwritten. Name another OUT.")
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise InputError(f"{there[0]}{more} would be overwritten. Name another OUT, or allow it with --force.")
    return planned


def restore_file(job: Job, restorer: Restorer) -> Done:
    """Restore one picture and write it, whole or not at all.

    Raises:
        DataError: It cannot be read, or is too large for the device.
        InputError: It has other channels than the network, or its format cannot hold it.
        NonFiniteError: It holds NaN or infinity, or what was restored does.
    """
    began = time.perf_counter()
    picture = read_image(job.source)
    device = next(restorer.model.parameters()).device
    try:
        restored = restorer(as_float(picture.pixels.to(device))).cpu()
    except torch.OutOfMemoryError:
        raise DataError(
            f"{job.source} does not fit into the device's memory. Take smaller tiles: --tile 256."
        ) from None
    content = encode_image(picture.with_pixels(restored), job.target.suffix.lower())
    job.target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(job.target, content)
    height, width = picture.pixels.shape[-2:]
    tiles = tile_count((height, width), *restorer.tiling(height, width))
    after = (restored.shape[2], restored.shape[1])
    return Done((width, height), after, tiles, time.perf_counter() - began, picture.notes)


def _from_file(source: Path, target: Path) -> Job:
    if not source.is_file():
        raise InputError(f"There is no picture and no folder {source}.")
    file = target if target.suffix and not target.is_dir() else _writable(target / source.name)
    if file.suffix.lower() not in WRITTEN:
        raise InputError(f"{file} says no format that can be written; its suffix may be {', '.join(WRITTEN)}.")
    return Job(source, file)


def _from_folder(source: Path, target: Path) -> Plan:
    if target.exists() and not target.is_dir():
        raise InputError(f"{source} is a folder, so OUT must be one, too; {target} is a file.")
    if target.resolve() == source.resolve():
        raise InputError(f"{target} holds the pictures to be restored, which are never overwritten. Name another OUT.")
    found = find_images(source, skip=target)
    if not found.files:
        raise InputError(f"There is no picture in {source}: {found}. {found.searched_for}")
    jobs = tuple(Job(path, _writable(target / path.relative_to(source))) for path in found.files)
    return Plan(jobs, f"{source} has {found}")


def _require_apart(jobs: tuple[Job, ...]) -> None:
    sources: dict[Path, Path] = {}
    for job in jobs:
        other = sources.setdefault(job.target, job.source)
        if other != job.source:
            raise InputError(
                f"{other} and {job.source} would both become {job.target}, and one of them be lost. Nothing was "
                "written. Rename one of them, or restore one on its own."
            )


def _writable(file: Path) -> Path:
    """The file, or one beside it in a format that can be written."""
    return file if file.suffix.lower() in WRITTEN else file.with_name(f"{file.name}.png")
