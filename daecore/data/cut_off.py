"""Cutting off: what comes from elsewhere is copied piece by piece, and ends where more comes than was to be.

Knows streams of bytes. Does not know where they come from, nor what they hold.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

CHUNK_BYTES, SMALL = 1 << 20, 1 << 16


class Readable(Protocol):
    """What can be read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


class Writable(Protocol):
    """What can be written to."""

    def write(self, content: bytes, /) -> object:
        """Write all of it."""


class WholeFile(io.BufferedReader):
    """A file open for reading that never makes room for more bytes than it has.

    Python's own makes room first, and decoders ask for as many as the file names.

    Args:
        path: Of a plain file.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path | str) -> None:
        super().__init__(io.FileIO(path))
        self.size = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """At most so many bytes; all that are left without a number."""
        if size is not None and size > SMALL:
            size = min(size, max(0, self.size - self.tell()))
        return super().read(size)


class TooMuch(OSError):
    """More has come than was to be."""


@dataclass(frozen=True)
class Copied:
    """What was copied.

    Attributes:
        bytes: How many.
        sha256: Of all of them.
    """

    bytes: int
    sha256: str


def copy_at_most(most: int, content: Readable, out: Writable | None = None) -> Copied:
    """Read to the end, copying on the way; nothing beyond the limit is written.

    Args:
        most: The bytes that may come.
        content: What is read.
        out: Where to; None only looks.

    Raises:
        TooMuch: More has come; the rest was not read.
    """
    state, count = hashlib.sha256(), 0
    while piece := content.read(min(CHUNK_BYTES, most - count + 1)):
        count += len(piece)
        if count > most:
            raise TooMuch(f"more than the {most:,} bytes that were expected")
        state.update(piece)
        if out is not None:
            out.write(piece)
    return Copied(count, state.hexdigest())


class Bounded(io.RawIOBase):
    """A stream that ends in an error where more of it is read than may come.

    Args:
        content: What is read.
        most: The bytes that may come.
    """

    def __init__(self, content: Readable, most: int) -> None:
        self._content, self._left = content, most

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes.

        Raises:
            TooMuch: More has come.
        """
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        piece = self._content.read(wanted)
        self._left -= len(piece)
        if self._left < 0:
            raise TooMuch("it unfolds into more bytes than were expected")
        return piece
