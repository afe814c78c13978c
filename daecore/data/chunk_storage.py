"""Chunk storage: where the chunks of a dataset lie, and what the Zarr group there says of itself.

Needs the extra ``chunks``. Knows addresses that a user may name, and Zarr. Does not know what the chunks are.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from daecore.errors import InputError, quote
from daecore.json_text import parse_json
from daecore.object_storage import ObjectStorage
from daecore.paths import user_path

SCHEMES = ("s3", "gs", "az", "https", "http")
LARGEST_ATTRIBUTES = 1 << 20  # bytes of JSON


@dataclass(frozen=True)
class ChunkStorage(ObjectStorage):
    """A place where the chunks of one dataset lie, or are to lie."""

    what: str = "The packed dataset"

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

    def attributes(self) -> dict[str, Any] | None:
        """Those of the Zarr group that lies there; None where none does.

        Raises:
            DataError: It cannot be reached, or is none.
        """
        content = self.get("zarr.json", LARGEST_ATTRIBUTES)
        if content is None:
            return None
        try:
            return dict(parse_json(content)["attributes"])
        except (ValueError, KeyError, TypeError):
            return {}

    def made(self) -> Any:
        """What Zarr writes into; a folder is made.

        Raises:
            DataError: It cannot be.
        """
        from zarr.storage import ObjectStore

        with self.speaking("be written to"):
            return ObjectStore(self.writable)
