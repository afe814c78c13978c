"""Object storage: objects by their names, at an address or in a folder, and what its library says in sentences.

Needs obstore, which knows S3, Google, Azure and HTTP, and is imported when it is needed. Does not know what the objects
are.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from daecore.errors import DaecoreError, DataError, in_a_line

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
RETRIES, RETRY_SECONDS = 4, 30
TRIED = re.compile(r"Error performing \w+ .*? in \S+s(, after .*?)? +- ")  # before obstore says what went wrong


class Nothing(DataError):
    """There is nothing of that name."""


@dataclass(frozen=True)
class Entry:
    """An object as a list shows it.

    Attributes:
        name: Below the storage's address.
        bytes: Its size.
        written: When.
    """

    name: str
    bytes: int
    written: datetime


def _entry(meta: Any) -> Entry:
    return Entry(meta["path"], meta["size"], meta["last_modified"])


def _write(pieces: Iterable[Any], file: Path, most: int) -> int:
    """Write pieces into a file until there are more bytes than it may have; how many came."""
    come = 0
    with file.open("wb") as written:
        for piece in pieces:
            come += len(piece)
            if come > most:
                break
            written.write(piece)
    return come


@dataclass(frozen=True)
class ObjectStorage:
    """A place where objects lie.

    Every method but `shown` raises `DataError` where the place cannot be reached.

    Attributes:
        url: ``s3://bucket/name``, ``gs://``, ``az://``, ``https://``; or a folder's absolute path.
        what: What lies there, as a message begins.
        existing: Whether its folder is there already, and never made: an empty one stands where a disk is not mounted.
    """

    url: str
    what: str = "The storage"
    existing: bool = False

    @property
    def shown(self) -> str:
        """Where it is, for a message."""
        return in_a_line(self.url)

    def get(self, name: str, most: int) -> bytes | None:
        """An object's content; None where there is none.

        Args:
            name: Of the object.
            most: The bytes that it may have.

        Raises:
            DataError: It is larger.
        """
        import obstore

        try:
            with self.speaking("be read from"):
                found = obstore.get(self.opened, name)
                size = found.meta["size"]
                if size <= most:
                    return bytes(found.bytes())
        except Nothing:
            return None
        raise DataError(
            f"{name} at {self.shown} has {size:,} bytes, but at most {most:,} were expected. Write it again."
        )

    def download(self, name: str, file: Path, size: int | None = None) -> bool:
        """Write an object's content into a file, piece by piece; whether there is such an object.

        Args:
            name: Of the object.
            file: Where to; it is gone again where this fails.
            size: The bytes that a list or a record says it has; None: as many as the storage announces.

        Raises:
            DataError: It has fewer or more, of which no more than one piece is taken.
        """
        import obstore

        try:
            with self.speaking("be read from"):
                found = obstore.get(self.opened, name)
                expected = int(found.meta["size"]) if size is None else size
                come = _write(found.stream(), file, expected)
        except Nothing:
            return False
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        if come == expected:
            return True
        file.unlink(missing_ok=True)
        came = f"{come:,} or more" if come > expected else f"{come:,}"
        raise DataError(
            f"{name} at {self.shown} should have {expected:,} bytes, but {came} came. "
            "Somebody has changed it meanwhile, or it was cut off: run again, or write it again."
        )

    def put(self, name: str, content: bytes | Path) -> None:
        """Write an object, whole or not at all: bytes, or what a file holds."""
        import obstore

        with self.speaking("be written to"):
            obstore.put(self.writable, name, content)

    def find(self, name: str) -> Entry | None:
        """An object as a list shows it; None where there is none."""
        import obstore

        try:
            with self.speaking("be read from"):
                return _entry(obstore.head(self.opened, name))
        except Nothing:
            return None

    def entries(self, folder: str = "") -> Iterator[Entry]:
        """All objects in a folder and in the folders in it, in whatever order."""
        import obstore

        try:
            with self.speaking("be read from"):
                for some in obstore.list(self.opened, prefix=folder or None):
                    yield from map(_entry, some)
        except Nothing:
            return

    def is_empty(self) -> bool:
        """Whether nothing lies there."""
        return next(iter(self.entries()), None) is None

    def within(self, folder: str = "") -> list[str]:
        """What lies directly in a folder: names of objects, and of folders."""
        import obstore

        try:
            with self.speaking("be read from"):
                found = obstore.list_with_delimiter(self.opened, folder or None)
        except Nothing:
            return []
        paths = [*found["common_prefixes"], *(it["path"] for it in found["objects"])]
        return [it.rstrip("/").rpartition("/")[2] for it in paths]

    def remove(self, folders: Sequence[str]) -> None:
        """Delete all objects in some folders."""
        import obstore

        with self.speaking("be written to"):
            for folder in folders:
                for some in obstore.list(self.opened, prefix=folder):
                    obstore.delete(self.opened, [it["path"] for it in some])

    def delete(self, name: str) -> None:
        """Delete one object, if it is there."""
        import obstore

        if self.find(name) is not None:
            with self.speaking("be written to"):
                obstore.delete(self.opened, name)

    @property
    def opened(self) -> Any:
        """What obstore reads from."""
        if self.existing and "://" not in self.url and not Path(self.url).is_dir():
            raise DataError(f"{self.what} should lie in the folder {self.shown}, which is not there. Is it mounted?")
        return self._opened

    @cached_property
    def _opened(self) -> Any:
        from obstore.store import LocalStore, from_url

        if "://" not in self.url:
            return LocalStore(self.url, automatic_cleanup=True)
        plain = self.url.startswith("http://") or any(os.environ.get(it, "").startswith("http://") for it in ENDPOINTS)
        return from_url(
            self.url,
            client_options={"allow_http": plain, "connect_timeout": "10s", "timeout": "60s"},
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        )

    @property
    def writable(self) -> Any:
        """What obstore writes into; a folder is made."""
        from obstore.store import LocalStore

        there = self.existing or "://" in self.url
        return self.opened if there else LocalStore(self.url, mkdir=True, automatic_cleanup=True)

    @contextmanager
    def speaking(self, doing: str) -> Iterator[None]:
        """What libraries say of the storage within the block, in a paragraph.

        Raises:
            Nothing: There is nothing of that name.
            DataError: Anything else is wrong.
        """
        try:
            yield
        except DaecoreError:
            raise
        except Exception as error:  # of obstore or Zarr, which have kinds of their own
            said = in_a_line(TRIED.sub("", str(error).split("Debug source")[0]).strip() or type(error).__name__)
            variables = " and the environment (such as AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL)"
            keys = variables if "://" in self.url else ""
            nothing = isinstance(error, FileNotFoundError) or "No such file" in str(error)
            raise (Nothing if nothing else DataError)(
                f"{self.what} cannot {doing} {self.shown}: {said.rstrip('.')}. Look at the address{keys}, and "
                "run again."
            ) from None
