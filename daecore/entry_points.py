"""Entry points: what installed distributions offer under a group's name; a damaged one hides itself, and no other.

Python's own list ends with the first distribution whose metadata cannot be read, whoever it is. Imports nothing of
what it finds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points

from daecore.errors import in_a_line


@dataclass(frozen=True)
class Points:
    """What was found.

    Attributes:
        points: The entry points of the group.
        damaged: What cannot be read, a sentence each.
    """

    points: tuple[EntryPoint, ...]
    damaged: tuple[str, ...] = ()


def find_points(group: str) -> Points:
    """The entry points of a group, of all distributions."""
    try:
        return Points(tuple(entry_points(group=group)))
    except Exception:  # of the one that is damaged: UnicodeDecodeError, AttributeError, KeyError, ValueError ...
        return read_points(distributions(), group)


def read_points(found: Iterable[Distribution], group: str) -> Points:
    """The same, distribution by distribution; of some that have a name, as an old and a new one, the first counts."""
    points: dict[tuple[str, str], EntryPoint] = {}
    damaged = []
    for each in found:
        try:
            own = [point for point in each.entry_points if point.group == group]
            for point in own:
                points.setdefault((origin_of(point)[0], point.name), point)
        except Exception as error:
            where = in_a_line(str(getattr(each, "_path", each)))
            said = in_a_line(f"{type(error).__name__}: {error}")
            damaged.append(f"The metadata of {where} cannot be read: {said}. Install it again, or remove it.")
    return Points(tuple(points.values()), tuple(damaged))


def origin_of(point: EntryPoint) -> tuple[str, str]:
    """The name and the version of the distribution that offers it, as far as its metadata can be read."""
    try:
        dist = point.dist
        name, version = (dist.metadata["Name"], dist.metadata["Version"]) if dist else ("", "")
    except Exception:  # as above
        name, version = "", ""
    return in_a_line(str(name or "unknown")), in_a_line(str(version or ""))
