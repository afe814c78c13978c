"""Ranged: decoded pictures whose numbers become values, and what is wrong with or lost of some by that.

Knows what was decoded and a value range. Does not read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from daecore.data.decoding import Decoded
from daecore.data.image_listing import Listed
from daecore.data.image_values import Refused, require_inside
from daecore.data.picture_rows import extent_of_row
from daecore.data.pictures import Pictures
from daecore.data.value_range import RangeOption, find_range
from daecore.data.value_scale import Scale, clipped_note, few_levels

MOST_FEW = 0.5  # of the range: what reaches less of it may have few grey levels


def in_range(
    decoded: Decoded, files: Sequence[Listed], asked: RangeOption, learnt: NDArray[np.int64] | None = None
) -> Decoded:
    """Decoded pictures with what 0 and 1 are in them; those that leave the range of their type are bad.

    Args:
        decoded: What the files gave.
        files: All of them.
        asked: What a user says.
        learnt: The pictures that a network learns from, by their number; None: all. What `auto` is, these say.

    Raises:
        InputError: They do not say what it is.
    """
    pictures = decoded.pictures
    seen = pictures if learnt is None else pictures.select(learnt)
    ranged = replace(pictures, value_range=find_range(asked, seen.extents.values()))
    said = [*_said(ranged)]
    names = [_name(pictures.rows[n], files[decoded.places[n]]) for n, _, _ in said]
    bad = tuple(f"The image {name} {why}" for name, (_, why, _) in zip(names, said, strict=True) if why)
    notes = tuple(f"{name}: {note}" for name, (_, _, note) in zip(names, said, strict=True) if note)
    return replace(decoded, pictures=ranged, notes=decoded.notes + notes, bad=decoded.bad + bad)


def _name(row: np.void, file: Listed) -> str:
    return str(file.path) if row["pages"] == 1 else f"{file.path}, picture {row['page'] + 1} of {row['pages']},"


def _said(pictures: Pictures) -> Iterator[tuple[int, str, str]]:
    """Of some pictures what is wrong with them, or else what a user must know."""
    low, span = pictures.scales
    high, rows, wanted = low + span, pictures.rows, pictures.value_range
    reached = np.minimum(rows["high"], high) - np.maximum(rows["low"], low)
    suspect = (rows["low"] < low) | (rows["high"] > high) | (reached < MOST_FEW * span)
    for n in np.flatnonzero(suspect & (rows["type"] > 0)).tolist():
        extent = extent_of_row(rows[n])
        try:
            if wanted is None or not wanted.applies_to(extent):
                require_inside(extent)
            scale = Scale.of(extent, wanted)
            if note := clipped_note(extent, scale, "some values") or few_levels(extent, scale):
                yield n, "", note
        except Refused as why:
            yield n, str(why), ""
