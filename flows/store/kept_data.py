"""What the data folder keeps to be mapped: decoded pictures, sets that are too large for memory, fetched chunks.

It can be made again at any time. Knows folders and when they were last used. Does not know what reads them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from daecore.errors import in_a_line

KEPT = {"decoded": "decoded pictures", "sets": "sets", "chunks": "chunks"}  # folders in it, and what lies there
OF = "of.txt"  # in such a folder: what it was made of; `daecore.data.durable` writes it, and would bring PyTorch
BLOCK = 512  # bytes, as the system counts what a file takes
UNUSED = timedelta(days=30)


@dataclass(frozen=True)
class KeptData:
    """One folder of it.

    Attributes:
        path: Where it lies.
        title: What it is.
        bytes: What it takes.
        used: When it was last opened.
    """

    path: Path
    title: str
    bytes: int
    used: datetime


def kept_data(folder: Path) -> list[KeptData]:
    """All of it, the latest used first."""
    found = [
        _look(path, f"{what} {_of(path)}")
        for name, what in KEPT.items()
        for path in (folder / name).glob("*")
        if path.is_dir()  # with what a killed process has left
    ]
    return sorted(found, key=lambda it: it.used, reverse=True)


def unused_data(folder: Path, now: datetime | None = None) -> list[Path]:
    """What nobody has opened for a month."""
    before = (now or datetime.now(UTC)) - UNUSED
    return [it.path for it in kept_data(folder) if it.used < before]


def _of(path: Path) -> str:
    """What a folder was made of, or else how it is called."""
    try:
        return f"of {in_a_line((path / OF).read_text(encoding='utf-8'))}"
    except (OSError, ValueError):
        return path.name[:24]


def _look(path: Path, title: str) -> KeptData:
    files = [file.stat() for file in path.rglob("*") if file.is_file()]  # which may have holes
    used = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return KeptData(path, title, sum(min(it.st_size, BLOCK * it.st_blocks) for it in files), used)
