"""What a TIFF says of its pictures: along which dimensions they lie, what channels are called, how large pixels are.

Knows what OME, ImageJ and tifffile write beside values; all of it may be anybody's. Reads no picture.
"""

import html
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from daecore.data.dimensions import PAGE, Dimension, named
from daecore.data.image_values import SIDEWAYS, Refused
from daecore.data.stack_file import Description

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

MOST_PAGES = 10_000  # that are looked at
MOST_DESCRIBED, LONGEST_NAME = 1_000_000, 100  # characters of what OME says, and of a name
CHANNEL, CHANNEL_NAME = re.compile(r"<(?:\w+:)?Channel\b[^>]*>"), re.compile(r'\bName="([^"]*)"')
PIXELS, ATTRIBUTE = re.compile(r"<(?:\w+:)?Pixels\b[^>]*>"), re.compile(r'\b(\w+)="([^"]*)"')
SIDES = [f"PhysicalSize{axis}" for axis in "XYZ"]
OME_KNOWS = (*SIDES, *(f"{it}Unit" for it in SIDES), "TimeIncrement", "TimeIncrementUnit")
IMAGEJ_KNOWS = ("spacing", "unit", "finterval", "fps", "min", "max")


def dimensions_of(tiff: "TiffFile", pages: list["TiffPage"]) -> tuple[Dimension, ...]:
    """Along which there are several pictures: as OME, ImageJ or tifffile say, if that fits what is there."""
    told = max(int((tiff.imagej_metadata or {}).get("images", 1)), *(
        math.prod(series["shape"]) // pages[0].size for series in tiff.shaped_metadata or () if "shape" in series
    ), pages[0].imagedepth, 1)  # fmt: skip
    count = len(pages) if len(pages) > 1 else told
    if count == 1:
        return ()
    if count > MOST_PAGES:
        raise Refused(f"has more than {MOST_PAGES:,} pictures. Split it.")
    found = tuple(_said(tiff)) if tiff.is_ome or tiff.is_imagej or tiff.is_shaped else ()
    return found if math.prod(it.size for it in found) == count else (Dimension(PAGE, count),)


def _said(tiff: "TiffFile") -> Iterator[Dimension]:
    """What the file's first series says of its dimensions."""
    series = tiff.series[0]
    plain = len(series.axes.rstrip("S")) - 2  # without rows and columns, and without the samples of a pixel
    if plain > 0 and series.axes[plain : plain + 2] == "YX":
        yield from named(series.axes[:plain], series.shape[:plain], {"C": _channels(tiff)})


def description_of(tiff: "TiffFile", page: "TiffPage") -> Description:
    """What the file says of sizes, depths and times; what it says in other words than numbers and names is let go."""
    resolution = _ratio(page.tags.valueof(282)), _ratio(page.tags.valueof(283))
    if page.tags.valueof(274, 1) in SIDEWAYS:
        resolution = resolution[::-1]
    unit = int(page.tags.valueof(296, 1))
    if tiff.is_ome:
        found = PIXELS.search((tiff.ome_metadata or "")[:MOST_DESCRIBED])
        said = dict(ATTRIBUTE.findall(found[0])) if found else {}
        details = {name: _plain(html.unescape(it)) for name, it in said.items() if name in OME_KNOWS}
        return Description("ome", resolution, unit, {name: it for name, it in details.items() if it is not None})
    if tiff.is_imagej:
        known = tiff.imagej_metadata or {}
        details = {name: _plain(known[name]) for name in IMAGEJ_KNOWS if name in known}
        return Description("imagej", resolution, unit, {name: it for name, it in details.items() if it is not None})
    return Description("", resolution, unit)


def _plain(said: object) -> float | str | None:
    """A number, or a short name; None of anything else."""
    try:
        number = float(str(said))
    except ValueError:
        return str(said) if str(said).isprintable() and len(str(said)) <= LONGEST_NAME else None
    return number if math.isfinite(number) and number > 0 else None


def _ratio(said: object) -> float:
    """A tag's fraction; 0 where it is none, or not above 0."""
    if not isinstance(said, tuple) or len(said) != 2 or not said[1]:
        return 0.0
    return max(0.0, float(said[0]) / float(said[1]))


def _channels(tiff: "TiffFile") -> tuple[str, ...]:
    """What OME calls the channels."""
    described = (tiff.ome_metadata or "")[:MOST_DESCRIBED]
    named_so = (CHANNEL_NAME.search(tag) for tag in CHANNEL.findall(described))
    return tuple(html.unescape(it[1])[:LONGEST_NAME] for it in named_so if it)
