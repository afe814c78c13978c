"""TIFF files, by tifffile: whole numbers of any depth, floats, palettes, planes, what is white and what is transparent.

Knows pictures in one file, and along which dimensions there are several: pages, or what OME and ImageJ say they are.
"""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from daecore.data.image_limit import require_size
from daecore.data.image_values import Refused, Stored, turn
from daecore.data.raster import END_OF_JPEG, decode_raster
from daecore.data.tiff_description import MOST_PAGES, description_of, dimensions_of
from daecore.data.value_scale import WHITE

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
REDUCED, MASK = 1, 4  # kinds of pages (tag 254) that go with another one
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
BY_PILLOW = {5: "CMYK", 6: "YCbCr"}
JPEG, TAIL = 7, 1024  # a compression (tag 259), and in which last bytes of a part it ends
PREMULTIPLIED, OPACITY = 1, (1, 2)  # what an extra channel may be (tag 338)


@contextmanager
def open_tiff(file: IO[bytes]) -> Iterator["TiffPictures"]:
    """The pictures in a TIFF, to be read one by one while the block runs.

    Args:
        file: Its content, at the beginning.

    Raises:
        Refused: It is too large, or of a kind that is not read.
        Exception: Decoders raise what they like on damaged files.
    """
    import tifffile

    if (log := logging.getLogger("tifffile")).level != logging.CRITICAL:
        log.setLevel(logging.CRITICAL)  # what is wrong with a file is said once, by whoever reads it
    with tifffile.TiffFile(file, _multifile=False) as tiff:
        yield TiffPictures(file, tiff)


class TiffPictures:
    """The pictures in a TIFF.

    Attributes:
        dimensions: Along which there are several; none for a single picture.
        description: What the file says of them.
    """

    def __init__(self, file: IO[bytes], tiff: "TiffFile") -> None:
        self._file, self._tiff = file, tiff
        self._pages = list(_whole_pages(tiff))
        self.dimensions = dimensions_of(tiff, self._pages)
        self.description = description_of(tiff, self._pages[0])

    def read(self, number: int, channels: int = 0) -> Stored:
        """One of them.

        Args:
            number: From 0.
            channels: 1 or 3: alpha is not wanted; 0: as the file has it.

        Raises:
            Refused: It is too large, or of a kind that is not read.
            Exception: Decoders raise what they like on damaged files.
        """
        behind = number >= len(self._pages)  # ImageJ and others write many pictures under one page
        page = self._pages[0 if behind else number]
        require_size(page.imagewidth, page.imagelength, _pixel_bytes(page), self._tiff.filehandle.size)
        if int(page.compression) == JPEG:
            self._require_ends(page)
        if int(page.photometric) in BY_PILLOW:
            if len(self._pages) > 1:
                raise Refused(f"has several pictures of the type {BY_PILLOW[int(page.photometric)]}. Save them as RGB.")
            self._file.seek(0)
            return decode_raster(self._file, MAGIC[0], channels, ("TIFF",))
        _require_known(page, self._tiff.filehandle.size)
        values = self._plane(page, number) if behind or (len(self._pages) == 1 and self.dimensions) else _values(page)
        return _stored(values, page, wanted=not channels)

    def _require_ends(self, page: "TiffPage") -> None:
        """Refuse a JPEG without its end, which decoders fill up with grey and call whole (TIFF technical note 2)."""
        _require_whole(page)
        parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        for number, (offset, count) in enumerate(parts, 1):
            self._file.seek(offset + max(0, count - TAIL))
            if END_OF_JPEG not in self._file.read(min(count, TAIL)):
                raise ValueError(f"its part {number} of {len(parts)}, a JPEG, is cut off")

    def _plane(self, page: "TiffPage", number: int) -> NDArray[Any]:
        """The values of a picture that lies behind the first one of its page, without a compression."""
        shape = page.shape[-3:] if page.samplesperpixel > 1 else page.shape[-2:]
        kind = np.dtype(page.dtype).newbyteorder(self._tiff.byteorder)
        if not page.is_contiguous or int(page.bitspersample) % 8:
            raise Refused("has several pictures under one page, compressed. Save each as a page of its own.")
        size = math.prod(shape) * kind.itemsize
        self._file.seek(page.dataoffsets[0] + number * size)
        content = self._file.read(size)
        if len(content) < size:
            raise ValueError(f"its picture {number + 1} is cut off")
        return np.frombuffer(content, kind).reshape(shape)


def _stored(values: NDArray[Any], page: "TiffPage", *, wanted: bool) -> Stored:
    """What stands in a page, upright."""
    profile = bytes(page.tags.valueof(34675, b"") or b"")
    layers = turn(_layers(values, page), page.tags.valueof(274, 1))
    if int(page.photometric) == PALETTE and page.colormap is not None:
        looked_up, notes = _look_up(layers[..., 0], page.colormap)
        return Stored(looked_up, WHITE["uint8"], profile=profile, notes=notes)
    return _read_stored(layers, page, profile, wanted=wanted)


def _values(page: "TiffPage") -> NDArray[Any]:
    _require_whole(page)
    return np.asarray(page.asarray()).reshape(page.shape)


def _whole_pages(tiff: "TiffFile") -> Iterator["TiffPage"]:
    """The pages that are pictures, without smaller copies and masks of others."""
    pages: list[TiffPage] = []
    begun = set[int]()
    for number, each in enumerate(tiff.pages, 1):  # frames, which are less, come only where asked for
        page = cast("TiffPage", each)
        if not page.tags or not page.size:
            raise ValueError(f"its page {number} is empty")
        if page.offset in begun:
            raise ValueError(f"its page {number} is one that came before: the list of its pages is a ring")
        begun.add(page.offset)
        pages.append(page)
        if number > MOST_PAGES:
            raise Refused(f"has more than {MOST_PAGES:,} pages. Split it.")
    yield from [page for page in pages if not int(page.subfiletype) & (REDUCED | MASK)] or pages


def _require_known(page: "TiffPage", file_bytes: int) -> None:
    """Refuse what could only be guessed at."""
    kind, names = int(page.photometric), f"{page.dtype} {getattr(page.photometric, 'name', page.photometric)}"
    plain = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1}.get(kind)
    if plain is None or page.dtype is None or _kind(page) not in WHITE:
        raise Refused(
            f"is a TIFF of the type {names}, which is not read. Save it as grey or RGB with 8 or 16 bits or as float."
        )
    opacity = len(page.extrasamples) == 1 and int(page.extrasamples[0]) in OPACITY
    extra = page.samplesperpixel - plain
    if extra > 1 or extra < 0 or (extra == 1 and not opacity and plain == 1):
        raise Refused(
            f"has {page.samplesperpixel} channels; 1 (grey) or 3 (RGB) are read, with or without transparency. "
            "Save what is to be read as a file of its own."
        )
    height, width = page.chunks[:2] if len(page.chunks) > 1 else (1, 1)
    require_size(width, height, _pixel_bytes(page), file_bytes)


def _pixel_bytes(page: "TiffPage") -> float:
    return page.samplesperpixel * max(1, int(page.bitspersample) / 8)  # bits are unfolded into bytes


def _require_whole(page: "TiffPage") -> None:
    """Refuse what was not written to its end: a part of the picture lies nowhere, and would be read as black."""
    expected, found = math.prod(page.chunked), len(page.dataoffsets)
    if expected != found:
        raise ValueError(f"it has {found:,} parts, and its size asks for {expected:,}")
    missing = [
        number
        for number, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=False), 1)
        if not offset or not count
    ]
    if missing:
        raise ValueError(f"its part {missing[0]} of {len(page.dataoffsets)} is missing")


def _kind(page: "TiffPage") -> str:
    if page.dtype in (np.uint8, np.bool_):
        return "uint8"
    return str(page.dtype.newbyteorder("=")) if page.dtype else ""


def _layers(values: NDArray[Any], page: "TiffPage") -> NDArray[Any]:
    """``(H, W, C)`` in the machine's byte order."""
    if page.axes.startswith("S"):
        values = np.moveaxis(values, 0, -1)
    return np.atleast_3d(values).astype(_kind(page), copy=False)


def _look_up(index: NDArray[Any], colour_map: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """RGB ``(H, W, 3)`` of a palette's numbers, and what has to be said of it.

    The map has 16 bits, written as 257 or 256 times 8; old writers wrote the 8 bits themselves.
    """
    small = int(colour_map.max(initial=0)) <= WHITE["uint8"]
    notes = ("its palette has 8 bits where 16 belong, and was taken so",) if small and colour_map.any() else ()
    looked_up: NDArray[Any] = np.moveaxis((colour_map if small else colour_map >> 8).astype(np.uint8)[:, index], 0, -1)
    return looked_up, notes


def _read_stored(layers: NDArray[Any], page: "TiffPage", profile: bytes, *, wanted: bool) -> Stored:
    """With the white that the file names, and black where it is 0."""
    bits, kind = int(page.bitspersample), _kind(page)
    white = 2**bits - 1 if kind.startswith("uint") else WHITE[kind]
    plain = 3 if int(page.photometric) == RGB else 1
    values, alpha = layers[..., :plain], None
    notes: tuple[str, ...] = ()
    if int(page.photometric) == WHITE_IS_ZERO:
        values = (1 if kind.startswith("float") else white) - values
    if layers.shape[2] > plain:
        alpha = layers[..., plain].astype(np.float32) / np.float32(white)
        if int(page.extrasamples[0]) == PREMULTIPLIED:
            values = _divide(values, alpha, white)
        elif int(page.extrasamples[0]) not in OPACITY:
            alpha, notes = None, ("it has a fourth channel that says nothing of itself, which was left out",)
    if kind == "uint8" and bits < 8:
        values, white = np.rint(values * (WHITE["uint8"] / white)).astype(np.uint8), WHITE["uint8"]
    return Stored(values, white, alpha if wanted else None, profile, notes)


def _divide(values: NDArray[Any], alpha: NDArray[np.float32], white: int) -> NDArray[Any]:
    """Values that were multiplied by their opacity, as they were before."""
    whole = values.dtype.kind != "f"
    plain = np.divide(values, alpha[..., None], where=alpha[..., None] > 0, out=np.zeros(values.shape))
    whole_again: NDArray[Any] = np.rint(plain).clip(0, white) if whole else plain
    return whole_again.astype(values.dtype)
