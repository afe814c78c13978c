"""Chunk storage: objects by their names, in a folder or in object storage, and what libraries say of them in sentences.

Needs the extra ``chunks``: obstore knows S3, Google, Azure and HTTP. It is imported when it is needed. Does not know
what the objects are.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib.util import find_spec
from typing import Any

from daecore.errors import DaecoreError, DataError, InputError, in_a_line, quote
from daecore.paths import user_path

SCHEMES = ("s3", "gs", "az", "https", "http")
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
RETRIES, RETRY_SECONDS = 4, 30
LARGEST_ATTRIBUTES = 1 << 20  # bytes of JSON
TRIED = re.compile(r"Error performing \w+ .*? in \S+s(, after .*?)? +- ")  # before obstore says what went wrong


@dataclass(frozen=True)
class ChunkStorage:
    """A place where the chunks of one dataset lie, or are to lie.

    Attributes:
        url: ``s3://bucket/name``, ``gs://``, ``az://``, ``https://``; or a folder's absolute path.
    """

    url: str

    @classmethod
    def at(cls, where: str, what: str) -> "ChunkStorage":
        """The storage that a user named; nothing is looked at.

        Args:
            where: A URL, or a folder.
            what: What it stands for, for a message.

        Raises:
            InputError: It is neither, or what it needs is not installed.
        """
        if not where:
            raise InputError(f"{what} is empty. Name a folder, or a URL such as s3://bucket/name.")
        if missing := [name for name in ("zarr", "obstore", "numcodecs") if find_spec(name) is None]:
            raise InputError(
                f"Chunks are read with zarr and obstore, and {' and '.join(missing)} cannot be found here. Install "
                "them with: pip install 'daecore[chunks]'"
            )
        scheme, is_url, behind = where.partition("://")
        if not is_url:
            return cls(str(user_path(where, what)))
        if scheme not in SCHEMES or not behind.strip("/"):
            raise InputError(
                f"{what} is {quote(where)}, but chunks lie in a folder, or at an address that begins with "
                f"{', '.join(f'{it}://' for it in SCHEMES)}. Write another one."
            )
        if not where.isprintable() or set("?#@ ") & set(behind):
            raise InputError(
                f"{what} is {quote(where)}. An address has no blank, ?, # or @: keys stand in the environment. Write "
                "another one."
            )
        return cls(where.rstrip("/"))

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
            DataError: It cannot be reached, or is larger.
        """
        import obstore

        try:
            with self.speaking("be read from"):
                found = obstore.get(self._store, name)
                size = found.meta["size"]
                if size <= most:
                    return bytes(found.bytes())
        except Nothing:
            return None
        raise DataError(
            f"{name} at {self.shown} has {size:,} bytes, but at most {most:,} were expected. Pack it again."
        )

    def attributes(self) -> dict[str, Any] | None:
        """Those of the Zarr group that lies there; None where none does.

        Raises:
            DataError: It cannot be reached, or is none.
        """
        content = self.get("zarr.json", LARGEST_ATTRIBUTES)
        if content is None:
            return None
        try:
            return dict(json.loads(content)["attributes"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return {}

    def is_empty(self) -> bool:
        """Whether nothing lies there.

        Raises:
            DataError: It cannot be reached.
        """
        import obstore

        try:
            with self.speaking("be read from"):
                return not next(iter(obstore.list(self._store, chunk_size=1)), [])
        except Nothing:
            return True

    def folders(self) -> list[str]:
        """What names of objects begin with, up to their first slash.

        Raises:
            DataError: It cannot be reached.
        """
        import obstore

        with self.speaking("be read from"):
            return [it.rstrip("/") for it in obstore.list_with_delimiter(self._store)["common_prefixes"]]

    def remove(self, folders: Sequence[str]) -> None:
        """Delete all objects in some of them.

        Raises:
            DataError: They cannot be.
        """
        import obstore

        with self.speaking("be written to"):
            for folder in folders:
                for some in obstore.list(self._store, prefix=folder):
                    obstore.delete(self._store, [it["path"] for it in some])

    def made(self) -> Any:
        """What Zarr writes into; a folder is made.

        Raises:
            DataError: It cannot be.
        """
        from obstore.store import LocalStore
        from zarr.storage import ObjectStore

        with self.speaking("be written to"):
            return ObjectStore(self._store if "://" in self.url else LocalStore(self.url, mkdir=True))

    @cached_property
    def _store(self) -> Any:
        from obstore.store import LocalStore, from_url

        if "://" not in self.url:
            return LocalStore(self.url)
        plain = self.url.startswith("http://") or any(os.environ.get(it, "").startswith("http://") for it in ENDPOINTS)
        return from_url(
            self.url,
            client_options={"allow_http": plain, "connect_timeout": "10s", "timeout": "60s"},
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        )

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
            keys = " and the keys in the environment (such as AWS_ACCESS_KEY_ID)" if "://" in self.url else ""
            nothing = isinstance(error, FileNotFoundError) or "No such file" in str(error)
            raise (Nothing if nothing else DataError)(
                f"The packed dataset cannot {doing} {self.shown}: {said.rstrip('.')}. Look at the address{keys}, and "
                "run again."
            ) from None


class Nothing(DataError):
    """There is nothing of that name."""
