"""Chunk storage: a dataset's chunks where they lie, in a folder or in object storage, as a Zarr group.

An array of the group is a set of samples, and a chunk of the array some of them; what the dataset says of itself is an
attribute. Any reader of Zarr 3 reads it. Needs the extra ``chunks``: Zarr knows the format, obstore the storage. Both
are imported when they are needed. Does not know samples, nor where chunks are kept once they are here.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from daecore.data.packed_set import Header, PackedSamples
from daecore.errors import DaecoreError, DataError, InputError, in_a_line, quote
from daecore.paths import user_path

SAID, UNFINISHED = "daecore", "daecore.unfinished"  # attributes of the group
SCHEMES = ("s3", "gs", "az", "https", "http")
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
RETRIES, RETRY_SECONDS = 4, 30
COMPRESSION = 3  # of Zstandard
TRIED = re.compile(r"Error performing \w+ .*? in \S+s(, after .*?)? +- ")  # before obstore says what went wrong


@dataclass(frozen=True)
class ChunkStorage:
    """Where the chunks of one dataset lie.

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
        if missing := [name for name in ("zarr", "obstore") if find_spec(name) is None]:
            raise InputError(
                f"Chunks are read with zarr and obstore, and {' and '.join(missing)} cannot be found here. Install "
                "them with: pip install 'daecore[chunks]'"
            )
        scheme, is_url, behind = where.partition("://")
        if not is_url:
            return cls(str(user_path(where, what)))
        if scheme not in SCHEMES or not behind.strip("/"):
            raise InputError(
                f"{what} is {quote(where)}, but chunks lie in a folder, or at an "
                f"address that begins with {', '.join(f'{it}://' for it in SCHEMES)}. Write another one."
            )
        return cls(where.rstrip("/"))

    def header(self) -> Header:
        """What the dataset says of itself.

        Raises:
            DataError: There is none, it cannot be reached, or what it says cannot be.
        """
        said = self._attributes()
        if said is None or SAID not in said:
            begun = " It was begun, and not finished: pack it again." if said and UNFINISHED in said else ""
            raise DataError(f"There is no packed dataset at {self.url}.{begun or ' `dae data pack` makes one.'}")
        try:
            return Header.model_validate(said[SAID])
        except ValidationError as error:
            raise DataError(
                f"The packed dataset at {self.url} says of itself what cannot be: {in_a_line(str(error))}. Pack it "
                "again with this version."
            ) from None

    def require_free(self, *, replace: bool) -> None:
        """Refuse a place that is taken.

        Args:
            replace: Whether a whole packed dataset may go.

        Raises:
            DataError: It cannot be reached.
            InputError: Something else lies there, or a whole dataset that may not go.
        """
        said = self._attributes()
        if said is None and self._any():
            raise InputError(f"{self.url} holds something that is no packed dataset. Name an empty place.")
        if said is not None and not {SAID, UNFINISHED} & said.keys():
            raise InputError(f"{self.url} holds other Zarr arrays. Name an empty place.")
        if said is not None and SAID in said and not replace:
            raise InputError(f"{self.url} holds a packed dataset already. Name another place, or give --force.")

    def begin(self, *, replace: bool) -> None:
        """Make room for a dataset: what was packed here before goes; other files stay.

        Args:
            replace: Whether one that is whole may go.

        Raises:
            DataError: It cannot be written there.
            InputError: The place is taken.
        """
        import zarr

        self.require_free(replace=replace)
        with self._speaking("be written to"):
            group = zarr.open_group(self._zarr(), mode="a", zarr_format=3)
            group.attrs.put({UNFINISHED: True})  # whoever reads it now finds none
            for name in [*group.array_keys()]:
                del group[name]

    def finish(self, header: Header) -> None:
        """Say that all of it is there.

        Raises:
            DataError: It cannot be written there.
        """
        import zarr

        with self._speaking("be written to"):
            zarr.open_group(self._zarr(), mode="r+").attrs.put({SAID: header.model_dump(mode="json")})

    def array(self, name: str, shape: tuple[int, ...], dtype: str, rows: int) -> Any:
        """A new array of the group, of which a chunk has so many rows.

        Raises:
            DataError: It cannot be written there.
        """
        import zarr
        from zarr.codecs import ZstdCodec

        with self._speaking("be written to"):
            group = zarr.open_group(self._zarr(), mode="r+")
            return group.create_array(
                name, shape=shape, dtype=dtype, chunks=(rows, *shape[1:]), compressors=ZstdCodec(level=COMPRESSION)
            )

    def write(self, array: Any, first: int, values: NDArray[Any]) -> None:
        """Write some rows of an array, which are a chunk.

        Raises:
            DataError: They cannot be written there.
        """
        with self._speaking("be written to"):
            array[first : first + len(values)] = values

    def open(self, samples: PackedSamples) -> Any:
        """The array of a set, which must be as the header says.

        Raises:
            DataError: It is another one, or cannot be reached.
        """
        return self._open(samples.name, (samples.count, *samples.shape), samples.type, samples.rows)

    def labels(self, samples: PackedSamples) -> NDArray[np.int64]:
        """The labels of a set, not yet compared with their digest.

        Raises:
            DataError: They cannot be reached.
        """
        array = self._open(f"{samples.name}.labels", (samples.count,), "int64", samples.count)
        return np.asarray(self.read(array, 0, samples.count), np.int64)

    def read(self, array: Any, first: int, end: int) -> NDArray[Any]:
        """Some rows of an array.

        Raises:
            DataError: They cannot be reached.
        """
        with self._speaking("be read from"):
            return np.asarray(array[first:end])

    def _open(self, name: str, shape: tuple[int, ...], dtype: str, rows: int) -> Any:
        import zarr

        with self._speaking("be read from"):
            array = zarr.open_array(self._zarr(reading=True), path=name, mode="r")
            found = array.shape, str(array.dtype), array.chunks
        if found != (shape, dtype, (rows, *shape[1:])):
            raise DataError(
                f"The packed dataset at {self.url} says that {name} is {dtype} {shape} by {rows}, but what lies there "
                f"is {found[1]} {found[0]} by {found[2][0]}. Pack it again."
            )
        return array

    def _attributes(self) -> dict[str, Any] | None:
        """Those of the group; None where none is there."""
        import zarr

        try:
            with self._speaking("be read from"):
                return dict(zarr.open_group(self._zarr(reading=True), mode="r", zarr_format=3).attrs)
        except _Nothing:
            return None

    def _any(self) -> bool:
        """Whether anything lies there."""
        import obstore

        try:
            with self._speaking("be read from"):
                return bool(next(iter(obstore.list(self._store(), chunk_size=1)), []))
        except _Nothing:
            return False

    def _zarr(self, *, reading: bool = False) -> Any:
        from zarr.storage import ObjectStore

        return ObjectStore(self._store(making=not reading), read_only=reading)

    def _store(self, *, making: bool = False) -> Any:
        from obstore.store import LocalStore, from_url

        if "://" not in self.url:
            return LocalStore(self.url, mkdir=making)
        plain = self.url.startswith("http://") or any(os.environ.get(it, "").startswith("http://") for it in ENDPOINTS)
        return from_url(
            self.url,
            client_options={"allow_http": plain, "connect_timeout": "10s", "timeout": "120s"},
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        )

    @contextmanager
    def _speaking(self, doing: str) -> Iterator[None]:
        """What libraries say of a storage, in a paragraph."""
        from zarr.errors import GroupNotFoundError

        try:
            yield
        except (GroupNotFoundError, FileNotFoundError) as error:
            raise _Nothing(self._cannot(doing, error)) from None
        except DaecoreError:
            raise
        except Exception as error:  # of obstore, Zarr or one of its codecs, which has a kind of its own
            nothing = "No such file" in str(error) or type(error).__name__ == "NotFoundError"
            raise (_Nothing if nothing else DataError)(self._cannot(doing, error)) from None

    def _cannot(self, doing: str, error: Exception) -> str:
        told = TRIED.sub("", str(error).split("Debug source")[0]).strip()
        said = in_a_line(told or type(error).__name__).rstrip(".")
        keys = " and the keys in the environment (such as AWS_ACCESS_KEY_ID)" if "://" in self.url else ""
        return f"The packed dataset cannot {doing} {self.url}: {said}. Look at the address{keys}, and run again."


class _Nothing(DataError):
    """There is nothing at that address."""
