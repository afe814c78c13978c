"""Verified files in the data folder: the only way in which a dataset's files come in.

Knows how to check files and to put them in place whole. Does not know what they mean; where they may be had is
`daecore.data.downloads`.
"""

import gzip
import hashlib
import logging
import os
import shutil
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import BinaryIO

from filelock import FileLock

from daecore.data.downloads import Source, local_folder
from daecore.errors import DataError

LOG = logging.getLogger("daecore")
CHUNK_BYTES = 1 << 20
FAILURES = (OSError, EOFError, ValueError, zlib.error, tarfile.TarError)


def fetch_files(folder: Path, files: Mapping[str, str], sources: Sequence[Source], *, download_bytes: int = 0) -> None:
    """Have verified files in a folder; afterwards each ``folder / name`` holds the expected bytes.

    What already lies there is checked too, and replaced when it was altered. Processes that do this
    at the same time wait for each other; a file is renamed into place only after its check.

    Args:
        folder: Where the files belong; made if missing.
        files: File name to SHA-256 of its uncompressed content.
        sources: Tried in this order, after ``folder`` itself (where ``.gz`` files count, too).
        download_bytes: The room it takes, with what lies there only for a while.

    Raises:
        DataError: No source has the files, or there is no room for them.
    """
    if not _missing(folder, files):
        return
    _check_room(folder, download_bytes)
    with FileLock(folder / ".lock"):
        failures = []
        for source in (local_folder(folder), *sources):
            if missing := _missing(folder, files):
                failures.append(_take(source, folder, missing))
        if missing := _missing(folder, files):
            raise DataError(
                f"The dataset in {folder} is not complete: {', '.join(missing)} could not be had. "
                f"Tried: {'; '.join(failures)}. Get the files by one of these ways where there is a network, and put "
                f"them, as they are or as .gz, into {folder}."
            )


def _take(source: Source, folder: Path, missing: Mapping[str, str]) -> str:
    """Install what a source has of the missing files; says why not."""
    scratch = folder / ".incoming"
    shutil.rmtree(scratch, ignore_errors=True)  # a killed process may have left it; the lock is ours
    scratch.mkdir()
    try:
        root = source.gather(scratch, list(missing))
        failures = [_install(root, folder / name, sha256) for name, sha256 in missing.items()]
    except FAILURES as error:
        failures = [_brief(error)]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return f"{source.name}: {', '.join(failure for failure in failures if failure)}"


def _install(root: Path, target: Path, sha256: str) -> str:
    """Copy the file below ``root`` that has the right content; says why there is none."""
    failure = f"no {target.name}"
    part = target.with_name(f".{target.name}.part")
    for candidate in [*root.rglob(target.name), *root.rglob(f"{target.name}.gz")]:
        try:
            with _open(candidate) as content, part.open("wb") as out:
                found = _copy(content, out)
            if found == sha256:
                os.replace(part, target)
                LOG.info("%s: verified, from %s", target, candidate)
                return ""
            failure = f"{candidate.name} has sha256 {found}, expected {sha256}"
        except FAILURES as error:
            failure = f"{candidate.name} cannot be read ({_brief(error)})"
        finally:
            part.unlink(missing_ok=True)
    return failure


def _missing(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    """The files that are not there, or not as expected."""
    return {name: sha256 for name, sha256 in files.items() if not _is_whole(folder / name, sha256)}


def _is_whole(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as content:
        found = _copy(content)
    if found != sha256:
        LOG.warning("%s is refused and fetched anew: it has sha256 %s, expected %s", path, found, sha256)
    return found == sha256


def _copy(content: gzip.GzipFile | BinaryIO, out: BinaryIO | None = None) -> str:
    """Read to the end, copying on the way; the SHA-256 of what was read."""
    state = hashlib.sha256()
    while chunk := content.read(CHUNK_BYTES):
        state.update(chunk)
        if out is not None:
            out.write(chunk)
    return state.hexdigest()


def _open(path: Path) -> gzip.GzipFile | BinaryIO:
    return gzip.GzipFile(path) if path.suffix == ".gz" else path.open("rb")


def _brief(error: BaseException) -> str:
    return shorten(str(error) or type(error).__name__, 200)


def _check_room(folder: Path, download_bytes: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise DataError(f"The data folder {folder} cannot be used: {error}. Choose another data folder.") from None
    if free < download_bytes:
        raise DataError(
            f"The data folder {folder} needs {download_bytes / 1e6:.0f} MB, but only {free / 1e6:.0f} MB are free. "
            "Make room, or choose another data folder."
        )
