"""Image listing: the picture files of a folder as they looked when it was searched, and what was left out, and why.

Knows names, sizes and times. Does not search, nor read files.
"""

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from daecore.data.image_file import SUFFIXES

OTHER = "no picture by its name"
Identity = int
"""A file under whatever name: where the system keeps it, and its number there."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture file as it looked when its folder was searched.

    Attributes:
        root: The folder that was searched.
        name: What it is called from that folder on, with slashes: the folder may move.
        size: In bytes.
        changed_ns: When its content last changed, as it says, in nanoseconds.
        touched_ns: When anything about it last changed; nobody can set that.
        device: Where the system keeps it.
        inode: Its number there.
    """

    root: Path
    name: str
    size: int
    changed_ns: int
    touched_ns: int
    device: int
    inode: int

    @property
    def path(self) -> Path:
        """Where it lies; made when asked for, as it is larger than all the rest."""
        return self.root / self.name

    @property
    def where(self) -> str:
        """The same as text, which is made in a fifth of the time."""
        return f"{self.root}/{self.name}"

    @classmethod
    def of(cls, root: Path, name: str) -> "Listed":
        """As it looks now.

        Raises:
            OSError: It is not there.
        """
        return cls.looking(root, name, (root / name).stat())

    @classmethod
    def looking(cls, root: Path, name: str, status: os.stat_result) -> "Listed":
        """As the system says that it looks."""
        times = status.st_mtime_ns, status.st_ctime_ns
        return cls(root, name, status.st_size, *times, status.st_dev, status.st_ino)


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        listed: The pictures, each once, sorted by path.
        left_out: Why each other file or folder was left out, in the order in which they were met; a folder counts once.
        others: Suffixes of the files that are no pictures.
    """

    listed: tuple[Listed, ...]
    left_out: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Where the pictures lie."""
        return tuple(it.path for it in self.listed)

    def __str__(self) -> str:
        """Such as ``10 pictures; left out 3: 2 with a dot in front, 1 no picture by its name (.txt)``."""
        count = len(self.listed)
        said = f"{count or 'no'} {'picture' if count == 1 else 'pictures'}"
        if not self.left_out:
            return said
        kinds = f" ({', '.join(sorted(set(self.others))[:5])})" if self.others else ""
        reasons = (f"{n} {why}{kinds if why == OTHER else ''}" for why, n in Counter(self.left_out).items())
        return f"{said}; left out {len(self.left_out)}: {', '.join(reasons)}"

    @property
    def searched_for(self) -> str:
        """A sentence that names the suffixes."""
        return f"A folder is searched for {', '.join(SUFFIXES)}."

    def without(self, other: "Found") -> "Found":
        """The same without the pictures that another search found, too, under whatever name.

        One that was taken away since stays: whoever reads it tells of it.
        """
        taken = {identity(it.path) for it in other.listed} - {None}
        return (
            replace(self, listed=tuple(it for it in self.listed if identity(it.path) not in taken)) if taken else self
        )


def identity(path: Path) -> Identity | None:
    """What lies there. None where nothing does, or it may not be looked at."""
    try:
        return identity_of(path.stat())
    except OSError:
        return None


def identity_of(status: os.stat_result) -> Identity:
    """What the system says this of."""
    return status.st_dev << 64 | status.st_ino
