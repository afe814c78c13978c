"""Study: one experiment of a series as a value, and what it finds: numbers, pictures, tables, notes.

Knows no store and no server. What a study may use is `daecore.study.laboratory`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from daecore.record import Record
from daecore.stats.intervals import Interval
from daecore.study.laboratory import Laboratory


class Measured(Record):
    """A number with its interval.

    Attributes:
        value: The number.
        low: The lower end of its 95 % interval; None where it has none.
        high: The upper end.
        n: Over how many samples, seeds or draws.
        unit: Its unit; empty for ratios.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 1
    unit: str = ""

    @classmethod
    def of(cls, interval: Interval, unit: str = "") -> "Measured":
        """An interval as a measured number."""
        return cls(value=interval.mean, low=interval.low, high=interval.high, n=interval.n, unit=unit)


@dataclass(frozen=True)
class Picture:
    """A picture with what one sees on it.

    Attributes:
        name: The stem of its file's name.
        caption: A sentence or two.
        png: The bytes of a PNG file.
    """

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True)
class Table:
    """A table under its title; every row has a cell per column of the head."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class Findings:
    """What a study gives.

    Attributes:
        figures: The numbers by name, as ``gain_db``.
        pictures: In the order in which they are shown.
        tables: Likewise.
        notes: What has to be said of the numbers, in sentences that follow from them.
    """

    figures: Mapping[str, Measured]
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    """One experiment of a series.

    Attributes:
        id: What `--only` names.
        title: Its heading.
        description: What it is about, or what a series says of it, in a few sentences.
        recipes: The recipes it trains, as ``lecture/erasure-0.5``: `dae run` runs each alone.
        run: Trains, measures, draws.
        also: Corruptions that it uses and no recipe of its names, as experiments write them.
    """

    id: str
    title: str
    description: str
    recipes: tuple[str, ...]
    run: Callable[[Laboratory], Findings]
    also: tuple[Mapping[str, Mapping[str, object]], ...] = ()
