"""Verified files in the data folder: the only way in which a dataset's files come in.

Knows how to check files and to put them in place whole. Does not know what they mean; where they may be had is
`daecore.data.downloads`.
"""

import gzip
import logging
import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from daecore.data.cut_off import Copied, TooMuch, copy_at_most
from daecore.data.downloads import Expected, ExpectedFile, Source, local_folder
from daecore.errors import DataError, in_a_line

LOG = logging.getLogger("daecore")
SCRATCH, PART = ".incoming", "part"  # a folder within the dataset's, for what comes; what is being checked
FAILURES = (OSError, EOFError, ValueError, zlib.error)


def fetch_files(folder: Path, files: Expected, sources: Sequence[Source], *, download_bytes: int = 0) -> None:
    """Have verified files in a folder; afterwards each ``folder / name`` holds the expected bytes.

    What already lies there is checked too, and replaced when it was altered. Processes that do this
    at the same time wait for each other; a file is renamed into place only after its check. What comes
    is cut off where it is larger than expected, compressed or not, and nothing of it stays: what a killed
    process has left goes when the folder is next asked for.

    Args:
        folder: Where the files belong; made if missing.
        files: File name to size and SHA-256 of its uncompressed content.
        sources: Tried in this order, after ``folder`` itself (where ``.gz`` files count, too).
        download_bytes: The room it takes, with what lies there only for a while.

    Raises:
        DataError: No source has the files, or there is no room for them.
    """
    if not _missing(folder, files) and not (folder / SCRATCH).exists():
        return
    _check_room(folder, download_bytes)
    with FileLock(folder / ".lock"):
        shutil.rmtree(folder / SCRATCH, ignore_errors=True)  # a killed process has left it; the lock is ours
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


def _take(source: Source, folder: Path, missing: Expected) -> str:
    """Install what a source has of the missing files; says why not."""
    scratch = folder / SCRATCH
    scratch.mkdir()
    try:
        root = source.gather(scratch, missing)
        failures = [_install(root, folder / name, expected, scratch) for name, expected in missing.items()]
    except FAILURES as error:
        failures = [_brief(error)]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return f"{source.name}: {', '.join(failure for failure in failures if failure)}"


def _install(root: Path, target: Path, expected: ExpectedFile, scratch: Path) -> str:
    """Copy the file below ``root`` that has the right content; says why there is none."""
    failure, part = f"no {target.name}", scratch / PART
    for candidate in [*root.rglob(target.name), *root.rglob(f"{target.name}.gz")]:
        if not candidate.is_file():  # a folder; a pipe, at which one would wait
            continue
        try:
            with _open(candidate) as content, part.open("wb") as out:
                found = copy_at_most(expected.bytes, content, out)
            if found.sha256 == expected.sha256:
                os.replace(part, target)
                LOG.info("%s: verified, from %s", target, candidate)
                return ""
            failure = f"{candidate.name} has {_describe(found)}, expected {_describe(expected)}"
        except FAILURES as error:
            failure = f"{candidate.name} cannot be read ({_brief(error)})"
        finally:
            part.unlink(missing_ok=True)
    return failure


def _missing(folder: Path, files: Expected) -> Expected:
    """The files that are not there, or not as expected."""
    return {name: expected for name, expected in files.items() if not _is_whole(folder / name, expected)}


def _is_whole(path: Path, expected: ExpectedFile) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as content:
            found = copy_at_most(expected.bytes, content)
    except TooMuch as error:
        LOG.warning("%s is refused and fetched anew: it has %s", path, error)
        return False
    if found.sha256 != expected.sha256:
        LOG.warning(
            "%s is refused and fetched anew: it has %s, expected %s", path, _describe(found), _describe(expected)
        )
    return found.sha256 == expected.sha256


def _describe(file: ExpectedFile | Copied) -> str:
    return f"{file.bytes:,} bytes with sha256 {file.sha256}"


def _open(path: Path) -> gzip.GzipFile | BinaryIO:
    return gzip.GzipFile(path) if path.suffix == ".gz" else path.open("rb")


def _brief(error: BaseException) -> str:
    return in_a_line(str(error) or type(error).__name__)


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
