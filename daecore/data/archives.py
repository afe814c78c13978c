"""Archives: the files that are wanted, out of a tar stream, and nothing else of it.

An archive is anybody's: what it unfolds into, how many entries it has and how large a file is have limits that hold
while it is read. Knows tar. Does not know where archives come from.
"""

import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from daecore.data.cut_off import Bounded, Readable, copy_at_most

MOST_ENTRIES = 10_000


def take_files(archive: Readable, folder: Path, most_bytes: Mapping[str, int], *, unfolded: int) -> None:
    """Write those files of a tar stream that have one of these names; each into a folder of its own.

    Args:
        archive: Not compressed.
        folder: Where to.
        most_bytes: The names, and the bytes that each may have.
        unfolded: The bytes that all of the archive may have.

    Raises:
        OSError: It is larger, or has more than `MOST_ENTRIES`; or a file cannot be written.
        ValueError: It is no tar, or damaged.
    """
    try:
        with tarfile.open(fileobj=Bounded(archive, unfolded), mode="r|") as entries:
            for number, entry in enumerate(entries):
                if number >= MOST_ENTRIES:
                    raise OSError(f"it has more than {MOST_ENTRIES:,} entries")
                name = PurePosixPath(entry.name).name
                if entry.isfile() and name in most_bytes:
                    _write(entries, entry, folder / str(number) / name, most_bytes[name])
    except (tarfile.TarError, OverflowError) as error:
        raise ValueError(f"it is no tar archive: {error}") from None


def _write(entries: tarfile.TarFile, entry: tarfile.TarInfo, path: Path, most: int) -> None:
    content = entries.extractfile(entry)
    if content is not None:  # there is none behind a link
        path.parent.mkdir()
        with path.open("wb") as out:
            copy_at_most(most, content, out)
