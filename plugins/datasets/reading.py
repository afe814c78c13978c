"""What was wrong with picture files, all of it at once: those that cannot be read, and those that are too small.

Knows what was decoded. Does not read.
"""

import logging
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from daecore import DataError
from daecore.data import Decoded, Listed

warnings = logging.getLogger("daecore")

NAMED = 50  # files that a message names
SMALLEST = 4  # side of a crop


def require_all(decoded: Decoded, files: Sequence[Listed], cut: NDArray[np.int64], size: int) -> None:
    """Warn of what was lost, and complain about every image that cannot be used.

    Args:
        decoded: What the files gave.
        files: All of them.
        cut: The pictures of which crops are cut, by their number.
        size: Side of a crop.

    Raises:
        DataError: Some cannot be read, or are smaller than a crop.
    """
    for note in decoded.notes[:1]:
        more = f" The same or another note on {len(decoded.notes) - 1} more." if len(decoded.notes) > 1 else ""
        warnings.warning("%s.%s", note, more)
    said, small = _list(decoded.bad), _too_small(decoded, files, cut, size)
    if small:
        fits = min(side for side, _ in small)
        advice = f"The largest that fits all is size={fits}" if fits >= SMALLEST else "Take them out"
        said.append(f"Smaller than a crop of {size} x {size} pixels: {', '.join(_list([n for _, n in small]))}.")
        said.append(f"{advice}; or take out what is not to be used." if fits >= SMALLEST else f"{advice}.")
    if said:
        raise DataError("\n".join(said))


def _too_small(decoded: Decoded, files: Sequence[Listed], cut: NDArray[np.int64], size: int) -> list[tuple[int, str]]:
    """The shorter side of each image that is smaller than a crop, and its name with its size."""
    rows, places = decoded.pictures.rows, decoded.places
    small = (np.minimum(rows["height"], rows["width"]) < size) & np.isin(np.arange(len(rows)), cut)
    sides = zip(places[small].tolist(), rows["height"][small].tolist(), rows["width"][small].tolist(), strict=True)
    return [(min(height, width), f"{files[n].path} ({height} x {width})") for n, height, width in sides]


def _list(names: Iterable[str]) -> list[str]:
    found = [*names]
    more = [f"and {len(found) - NAMED} more"] if len(found) > NAMED else []
    return found[:NAMED] + more
