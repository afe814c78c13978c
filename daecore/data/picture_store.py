"""Picture store: a folder that holds the values of many pictures one after the other, and a row for each.

It is written from the beginning to the end. What was flushed counts, whatever happens to the process; that all is
there, the header says, which comes last. Knows bytes and rows. Does not know picture files.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daecore.data.pictures import ROW, Pictures
from daecore.errors import DataError

ROWS, FLAT, DEEP, NOTES, HEADER = "rows.bin", "values.uint8", "values.float32", "notes.txt", "header.json"
FORMAT = 1
FLUSH_BYTES = 64 << 20  # of values, after which what was written counts
FLUSH_ROWS = 10_000


class PictureWriter:
    """Pictures, one after the other into a folder.

    Args:
        folder: Where to.
        channels: Of every picture.
        keys: Of the files, 16 bytes each, in the order in which they will come.

    Attributes:
        count: How many of them, from the first on, are there already.
    """

    def __init__(self, folder: Path, channels: int, keys: Sequence[bytes]) -> None:
        self.folder, self.channels = folder, channels
        rows = _rows(folder)
        self.count = next((n for n, (row, key) in enumerate(zip(rows, keys, strict=False)) if bytes(row["key"]) != key),
                          min(len(rows), len(keys)))  # fmt: skip
        self._expected = len(keys)
        self._ends = [_end(rows[: self.count], deep, channels) for deep in (0, 1)]

    def __enter__(self) -> "PictureWriter":
        self._new: list[NDArray[np.void]] = []
        self._notes: list[str] = []
        self._unflushed, self._failed = 0, False
        self._values = [_opened(self.folder / name, end * size)
                        for name, end, size in zip((FLAT, DEEP), self._ends, (1, 4), strict=True)]  # fmt: skip
        self._rows = _opened(self.folder / ROWS, self.count * ROW.itemsize)
        self._said = (self.folder / NOTES).open("ab")
        return self

    def add(self, key: bytes, pixels: Tensor, notes: Sequence[str], *, name: Path) -> None:
        """Append a picture.

        Args:
            key: Of its file.
            pixels: ``(C, H, W)``, uint8, or float32 in ``[0, 1]``.
            notes: What a user must know of it.
            name: Its file, for the notes.

        Raises:
            DataError: There is no room for it.
        """
        deep = int(pixels.is_floating_point())
        values = pixels.contiguous().numpy()
        row = np.zeros((), ROW)
        row["begin"], row["height"], row["width"], row["deep"] = self._ends[deep], *pixels.shape[1:], deep
        row["key"], row["sha256"] = np.void(key), np.frombuffer(_digest(values), np.uint8)
        with self._writing():
            self._values[deep].write(values.data)
        self._ends[deep] += values.size
        self._new.append(row)
        self._notes += [f"{name}: {note}" for note in notes]
        self._unflushed += values.nbytes
        if self._unflushed > FLUSH_BYTES or len(self._new) > FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """From now on what was added counts, whatever happens: values first, then their rows.

        Raises:
            DataError: There is no room for it.
        """
        with self._writing():
            for file in self._values:
                _sync(file)
            self._said.write("".join(f"{' '.join(note.split())}\n" for note in self._notes).encode())
            _sync(self._said)
            self._rows.write(b"".join(row.tobytes() for row in self._new))
            _sync(self._rows)
        self.count += len(self._new)
        self._new, self._notes, self._unflushed = [], [], 0

    def finish(self) -> None:
        """Say that all pictures are there.

        Raises:
            DataError: There is no room for it.
        """
        self.flush()
        header = json.dumps({"format": FORMAT, "channels": self.channels, "count": self.count})
        part = self.folder / f".{HEADER}.part"
        with self._writing():
            part.write_text(header, encoding="utf-8")
            os.replace(part, self.folder / HEADER)

    def __exit__(self, *exception: object) -> None:
        try:
            if not self._failed:
                self.flush()
        finally:
            for file in (*self._values, self._rows, self._said):
                with suppress(OSError):  # of a full disk, which is being told already
                    file.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._failed = True
            raise DataError(
                f"The decoded pictures cannot be written to {self.folder}: {error.strerror or error}. What is written "
                "is kept. Make room, or name another folder with DAE_DATA or --data, and run again."
            ) from None


def is_finished(folder: Path, count: int, channels: int) -> bool:
    """Whether a folder holds all pictures that it was made for, and their values are there."""
    try:
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
        rows = _rows(folder)
        whole = [(folder / name).stat().st_size >= _end(rows, deep, channels) * size
                 for name, deep, size in ((FLAT, 0, 1), (DEEP, 1, 4))]  # fmt: skip
    except (OSError, ValueError):
        return False
    expected = {"format": FORMAT, "channels": channels, "count": count}
    return header == expected and len(rows) == count and all(whole)


def open_pictures(folder: Path, channels: int) -> tuple[Pictures, tuple[str, ...]]:
    """What a folder holds so far, mapped, and what is to be known of it.

    Raises:
        DataError: It was removed meanwhile.
    """
    try:
        os.utime(folder)  # it was used
        notes = (folder / NOTES).read_text(encoding="utf-8", errors="replace").splitlines()
        return _pictures(folder, _rows(folder), channels), tuple(dict.fromkeys(notes))
    except OSError as error:
        raise DataError(
            f"What was decoded into {folder} cannot be read: {error.strerror or error}. Run again when nobody cleans "
            "up there."
        ) from None


def known_pictures(parent: Path, keys: set[bytes], channels: int, *, besides: Path) -> dict[bytes, Tensor]:
    """What other folders hold of files with these keys, ``(C, H, W)`` each, mapped.

    Args:
        parent: The folder of all folders.
        keys: Of files.
        channels: Of every picture.
        besides: The folder that is not looked into.
    """
    found: dict[bytes, Tensor] = {}
    for folder in sorted(parent.glob("*")):
        try:
            rows = _rows(folder) if folder != besides else np.empty(0, ROW)
            wanted = [n for n, key in enumerate(rows["key"].tolist()) if key in keys and key not in found]
            if wanted:
                pictures = _pictures(folder, rows, channels)
                found |= {bytes(rows["key"][n]): pictures.picture(n) for n in wanted}
        except (OSError, ValueError, RuntimeError):
            continue
    return found


def _pictures(folder: Path, rows: NDArray[np.void], channels: int) -> Pictures:
    flat, deep = (_mapped(folder / name, kind) for name, kind in ((FLAT, np.uint8), (DEEP, np.float32)))
    return Pictures(rows, flat, deep, channels)


def _mapped(path: Path, kind: Any) -> Tensor:
    """A flat tensor of values that are read from the page cache; a mapping cannot be empty."""
    if not path.stat().st_size:
        return torch.from_numpy(np.empty(0, kind))
    return torch.from_numpy(np.memmap(path, kind, "c"))


def _rows(folder: Path) -> NDArray[np.void]:
    """The rows that were written whole, mapped."""
    path = folder / ROWS
    count = path.stat().st_size // ROW.itemsize if path.is_file() else 0
    return np.memmap(path, ROW, "c", shape=(count,)) if count else np.empty(0, ROW)


def _end(rows: NDArray[np.void], deep: int, channels: int) -> int:
    """Where the last of these pictures ends among the values of its kind."""
    own = rows[rows["deep"] == deep][-1:]
    return sum(int(row["begin"]) + channels * int(row["height"]) * int(row["width"]) for row in own)


def _opened(path: Path, end: int) -> BinaryIO:
    """A file to append to, after so many bytes."""
    file = path.open("ab")
    file.truncate(end)
    return file


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _digest(values: NDArray[Any]) -> bytes:
    """SHA-256 of type, shape and values."""
    state = hashlib.sha256(f"{values.dtype} {values.shape}".encode())
    state.update(values.data)
    return state.digest()
