"""Arrays in a file: ``.npz`` whose bytes depend on nothing but the arrays, written whole or not at all.

Reading believes no size that the file names: numpy would make room for what a few bytes promise.
"""

import io
import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daecore.errors import in_a_line, quote
from daecore.whole_file import whole_file

MOST_BYTES = 1 << 29  # of all arrays of a file: the largest we write, a set of pictures, takes a third
CHUNK_BYTES, LONGEST_HEADER = 1 << 20, 1 << 17
UNREADABLE = (  # what zipfile, zlib and numpy raise on files that are damaged, or made to harm
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, SyntaxError, tokenize.TokenError, RuntimeError,
    OverflowError, MemoryError,
)  # fmt: skip
BEGINNING = (1980, 1, 1, 0, 0, 0)  # of time, in zip files: the hour of writing must not enter


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays, without pickle, under a temporary name; then rename the file to ``path``."""
    with whole_file(path) as temporary, temporary.open("wb") as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name, array in arrays.items():
                entry = zipfile.ZipInfo(f"{name}.npy", BEGINNING)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w", force_zip64=True) as part:
                    np.lib.format.write_array(part, np.asanyarray(array), allow_pickle=False)
        temporary.chmod(0o644)


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `save_arrays` wrote.

    Raises:
        OSError: The file cannot be opened.
        ValueError: It is no such file, or holds more than `MOST_BYTES`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise ValueError(f"it unfolds into more than {MOST_BYTES:,} bytes")
            return {entry.filename.removesuffix(".npy"): _array(_content(archive, entry)) for entry in entries}
    except UNREADABLE as error:
        raise ValueError(f"it is no .npz of plain arrays: {error or type(error).__name__}") from None


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytearray:
    """What an entry holds, piece by piece into its own room: read at once it would take twice as much."""
    content, end = bytearray(entry.file_size), 0
    with archive.open(entry) as file:
        while piece := file.read(CHUNK_BYTES):
            content[end : end + len(piece)] = piece
            end += len(piece)
    if end < len(content):
        raise ValueError(f"{in_a_line(entry.filename)} ends after {end:,} of {len(content):,} bytes")
    return content


def _array(content: bytearray) -> NDArray[Any]:
    """The array of one entry, whose header must name as many values as follow it."""
    header = io.BytesIO(memoryview(content)[:LONGEST_HEADER])
    version = np.lib.format.read_magic(header)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(header)
    size = math.prod(shape)
    if dtype.hasobject or min(shape, default=0) < 0 or size * dtype.itemsize != len(content) - header.tell():
        raise ValueError(f"no array of the type {in_a_line(str(dtype))} and the shape {quote(shape)} stands there")
    if not size * dtype.itemsize:
        return np.empty(shape, dtype)
    values: NDArray[Any] = np.frombuffer(content, dtype, size, header.tell())
    return values.reshape(shape, order="F" if by_columns else "C")
