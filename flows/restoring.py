"""Restoring a user's picture files: which file becomes which, and one file at a time.

Knows files and a `Restorer`. Knows no run, no store and no flow.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from daecore.errors import DataError, InputError
from daecore.picture import FORMATS, encode_picture, read_picture
from daecore.restorer import Restorer
from daecore.tiling import tile_count

from .store import write_atomically

Size = tuple[int, int]  # width, height


@dataclass(frozen=True)
class Job:
    """One picture: where it lies, and where its restoration goes."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Done:
    """How one picture went: its size before and after, the tiles it was cut into, the seconds it took."""

    before: Size
    after: Size
    tiles: int
    seconds: float


def plan(source: Path, target: Path, *, force: bool = False) -> list[Job]:
    """Which file becomes which; a folder's pictures keep their names and subfolders.

    Args:
        source: An image file, or a folder that is searched in all subfolders.
        target: A file; or a folder, where it is one, the source is one, or its name has no suffix.
        force: Whether files that are there may be replaced; a picture to be restored never is.

    Raises:
        InputError: There is no picture, the target has an unknown format, or files would be overwritten.
    """
    jobs = _from_folder(source, target) if source.is_dir() else [_from_file(source, target)]
    inputs = {_identity(job.source) for job in jobs}
    there = [job.target for job in jobs if job.target.exists()]
    own = [path for path in there if _identity(path) in inputs]
    if own:
        raise InputError(f"{own[0]} is itself a picture to be restored, and is never overwritten. Name another OUT.")
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise InputError(f"{there[0]}{more} would be overwritten. Name another OUT, or allow it with --force.")
    return jobs


def restore_file(job: Job, restorer: Restorer) -> Done:
    """Restore one picture and write it, whole or not at all.

    Raises:
        DataError: It cannot be read, or is too large for the device.
        InputError: It has other channels than the network, or its format cannot hold it.
        NonFiniteError: It holds NaN or infinity, or what was restored does.
    """
    began = time.perf_counter()
    picture = read_picture(job.source)
    device = next(restorer.model.parameters()).device
    try:
        restored = restorer(picture.pixels.to(device)).cpu()
    except torch.OutOfMemoryError:
        raise DataError(
            f"{job.source} does not fit into the device's memory. Take smaller tiles: --tile 256."
        ) from None
    content = encode_picture(picture.with_pixels(restored), job.target.suffix.lower())
    job.target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(job.target, content)
    height, width = picture.pixels.shape[-2:]
    tiles = tile_count((height, width), *restorer.tiling(height, width))
    after = (restored.shape[2], restored.shape[1])
    return Done((width, height), after, tiles, time.perf_counter() - began)


def _from_file(source: Path, target: Path) -> Job:
    if not source.is_file():
        raise InputError(f"There is no picture and no folder {source}.")
    file = target if target.suffix and not target.is_dir() else target / source.name
    if file.suffix.lower() not in FORMATS:
        raise InputError(f"{file} says no format that can be written; its suffix may be {', '.join(FORMATS)}.")
    return Job(source, file)


def _from_folder(source: Path, target: Path) -> list[Job]:
    if target.exists() and not target.is_dir():
        raise InputError(f"{source} is a folder, so OUT must be one, too; {target} is a file.")
    below = target.resolve()
    if below == source.resolve():
        raise InputError(f"{target} holds the pictures to be restored, which are never overwritten. Name another OUT.")
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in FORMATS and path.is_file())
    jobs = [Job(path, target / path.relative_to(source)) for path in files if below not in path.resolve().parents]
    if not jobs:
        raise InputError(f"There is no picture in {source}; it is searched for {', '.join(FORMATS)}.")
    return jobs


def _identity(path: Path) -> tuple[int, int]:
    """Device and inode: one file under whatever name."""
    status = path.stat()
    return status.st_dev, status.st_ino
