"""Kinds of picture files, each in the four ways in which we meet it: training, restoring, what comes in, corrupting.

What comes back are the file's own numbers, or one right sentence comes. Files are written by tifffile, by Pillow or by
hand, and what we write is read by tifffile, imagecodecs and Pillow, never by our own reader.
"""

import re
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from daecore_flows.cli import main
from daecore_flows.corrupt_pictures import corrupt_file, range_of
from daecore_flows.picture_plan import plan
from daecore_flows.restore_pictures import Restoration, restore_file
from daecore_flows.retraining.incoming import incoming_noise
from daecore_plugins.datasets.image_folder import ImageFolder, image_folder
from networks import network_that_changes_nothing
from PIL import Image

from daecore import DaecoreError, as_float
from daecore.corruption.corruptor import Corruptor
from daecore.corruption.noise_level import estimate_noise
from daecore.data.value_range import ValueRange
from daecore.model.restorer import Restorer
from daecore.plugin.spec import spec
from daecore.trained.model_file import load_with_header

HEIGHT, WIDTH = 12, 16
WAYS = ("train", "restore", "retrain", "corrupt")
WHITE = {"uint8": 255, "uint16": 65535, "uint32": 2**32 - 1, "int16": 32767, "int32": 2**31 - 1}
SAMPLES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


@dataclass(frozen=True)
class Drawn:
    """What a right reader gives of a file that was written.

    Attributes:
        values: In the file's type, upright; alpha last.
        axes: A letter each, as tifffile names them.
        white: What 1 is; 0: what the type holds.
    """

    values: np.ndarray
    axes: str = "YX"
    white: int = 0

    @property
    def pictures(self) -> np.ndarray:
        """``(N, C, H, W)``, without alpha."""
        sampled = self.values if self.axes.endswith("S") else self.values[..., None]
        plain = sampled[..., : 3 if sampled.shape[-1] > 2 else 1]
        return np.moveaxis(plain.reshape(-1, *plain.shape[-3:]), -1, 1)

    def between(self, found: ValueRange | None) -> torch.Tensor:
        """The same as float64 over the range, or over what the type says."""
        white = self.white or WHITE.get(str(self.values.dtype), 1)
        low, high = (0, white) if found is None else (found.low, found.high)
        return torch.from_numpy((self.pictures.astype(np.float64) - low) / (high - low))


Make = Callable[[Path], Drawn]
Expectation = dict[str, float | str]
"""For each way how far numbers may lie from the file's own, or part of the sentence that comes instead."""


def draw(kind: type, *shape: int, white: float = 0) -> np.ndarray:
    """Numbers from 0 to white that differ everywhere; of types with a sign from as far below 0."""
    values = np.random.default_rng(sum(shape)).random(shape)
    values.flat[0], values.flat[-1] = 0, 1
    if np.issubdtype(kind, np.floating):
        return (values * (white or 1)).astype(kind)
    low = np.iinfo(kind).min // 2 if np.iinfo(kind).min else 0
    return np.rint(low + values * ((white or np.iinfo(kind).max) - low)).astype(kind)


def grey(kind: type = np.uint8, white: float = 0) -> np.ndarray:
    return draw(kind, HEIGHT, WIDTH, white=white)


def colour(kind: type = np.uint8, samples: int = 3) -> np.ndarray:
    return draw(kind, HEIGHT, WIDTH, samples)


def smooth(samples: int = 3) -> np.ndarray:
    """Slopes, which lossy formats keep."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    layers = [40 + 8 * y + 4 * x, 200 - 6 * y, 60 + 5 * x + 3 * y, 255 - 9 * y][:samples]
    values = np.stack([it.astype(np.uint8) for it in layers], -1)
    return values[..., 0] if samples == 1 else values


# Makers: each writes a file, and says what is in it.


def tif(values: np.ndarray, axes: str = "", meant: Drawn | None = None, **options: Any) -> Make:
    """By tifffile."""

    def make(path: Path) -> Drawn:
        tifffile.imwrite(path, values, **{"photometric": "rgb" if axes.endswith("S") else "minisblack", **options})
        return meant or Drawn(values, axes or "YX")

    return make


def planes(values: np.ndarray, **options: Any) -> Make:
    """Each channel for itself."""
    return tif(
        np.moveaxis(values, 2, 0).copy(), "YXS", Drawn(values, "YXS"), photometric="rgb", planarconfig="separate",
        **options,
    )  # fmt: skip


def pyramid(values: np.ndarray, axes: str, *, ome: bool) -> Make:
    """With smaller copies of each page under it (SubIFD)."""

    def make(path: Path) -> Drawn:
        with tifffile.TiffWriter(path, ome=ome) as tiff:
            options = {"photometric": "minisblack", "tile": (16, 16)}
            tiff.write(values, subifds=1, metadata={"axes": axes} if ome else None, **options)
            tiff.write(values[..., ::2, ::2], subfiletype=1, **({} if ome else {"metadata": None}), **options)
        return Drawn(values, axes)

    return make


def packed12(samples: int = 1) -> Make:
    """12 bits a number, two numbers in three bytes, as scientific cameras write them."""
    values = draw(np.uint16, HEIGHT, WIDTH, *[samples] * (samples > 1), white=4095)
    axes = "YX" if samples == 1 else "YXS"
    return tif(values, axes, Drawn(values, axes, 4095), bitspersample=12)


def lossy(make: Make) -> Make:
    """What another makes, with the numbers that tifffile reads in it."""

    def make_lossy(path: Path) -> Drawn:
        axes = make(path).axes
        return Drawn(tifffile.imread(path), axes)

    return make_lossy


def halved(make: Make) -> Make:
    """The second half of its first strip or tile is zeros, as a download that broke off leaves it."""

    def make_half(path: Path) -> Drawn:
        drawn = make(path)
        with tifffile.TiffFile(path) as tiff:
            begin, count = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]
        data = path.read_bytes()
        path.write_bytes(data[: begin + count // 2] + bytes(count - count // 2) + data[begin + count :])
        return drawn

    return make_half


def pil(image: Image.Image | np.ndarray, mode: str = "", **options: Any) -> Make:
    """By Pillow, which also says what is in it; in a mode, or as it is."""

    def make(path: Path) -> Drawn:
        picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
        picture.save(path, **options)
        with Image.open(path) as shown:
            found = np.array(shown.convert(mode) if mode else shown)
        return Drawn(found, "YX" if found.ndim == 2 else "YXS")

    return make


def moving(format: str) -> Make:
    """Two different pictures in one file."""

    def make(path: Path) -> Drawn:
        frames = [Image.fromarray(colour()), Image.fromarray(255 - colour())]
        frames[0].save(path, format, save_all=True, append_images=frames[1:])
        return Drawn(colour(), "YXS")

    return make


ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
IN_ONE_PASS = ((0, 0, 1, 1),)
COLOUR_TYPE = {1: 0, 3: 2, 2: 4, 4: 6}
Chunks = tuple[tuple[bytes, bytes], ...]


def png_bytes(
    values: np.ndarray, bits: int, colour_type: int, chunks: Chunks = (), interlaced: bool = False, side: int = 0
) -> bytes:
    """A PNG by the book (third edition): of values ``(H, W)`` or ``(H, W, C)``; no row is filtered.

    A side is what the header names, whatever there is.
    """
    layers, rows = np.atleast_3d(values), b""
    for y, x, down, right in ADAM7 if interlaced else IN_ONE_PASS:
        for row in layers[y::down, x::right].reshape(-1, layers[0, x::right].size) if layers[y::down].size else ():
            unfolded = (row.astype(">u2") if bits == 16 else row.astype(np.uint8)[:, None]).view(np.uint8)
            folded = unfolded if bits == 16 else np.packbits(np.unpackbits(unfolded, axis=1)[:, 8 - bits :])
            rows += b"\0" + folded.tobytes()
    height, width = (side, side) if side else layers.shape[:2]
    header = struct.pack(">2I5B", width, height, bits, colour_type, 0, 0, int(interlaced))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    framed = [struct.pack(">I", len(it)) + name + it + struct.pack(">I", zlib.crc32(name + it)) for name, it in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def png(
    stored: np.ndarray, bits: int, meant: np.ndarray | None = None, colour_type: int = -1, chunks: Chunks = (),
    *, interlaced: bool = False,
) -> Make:  # fmt: skip
    """By hand: what stands there, and what that means."""

    def make(path: Path) -> Drawn:
        type_ = COLOUR_TYPE[np.atleast_3d(stored).shape[2]] if colour_type < 0 else colour_type
        path.write_bytes(png_bytes(stored, bits, type_, chunks, interlaced))
        values = stored if meant is None else meant
        return Drawn(values, "YX" if values.ndim == 2 else "YXS")

    return make


def few_bits(bits: int) -> Make:
    stored = grey(white=2**bits - 1)
    return png(stored, bits, stored * (255 // (2**bits - 1)))


PALETTE = draw(np.uint8, 16, 3)
INDEX = grey(white=15)
SEEN = np.arange(16, dtype=np.uint8) * 17  # opacity of the palette's colours


def keyed(values: np.ndarray, bits: int) -> Make:
    """The colour of the pixel (3, 4) is transparent, wherever it is (tRNS)."""
    key = np.atleast_1d(values[3, 4])
    layers = np.atleast_3d(values)
    alpha = np.where((layers == key).all(2), 0, 2**bits - 1).astype(values.dtype)
    return png(values, bits, np.dstack([layers, alpha]), chunks=((b"tRNS", key.astype(">u2").tobytes()),))


TURNED = Image.Exif()
TURNED[0x0112] = 6  # turn by 90 degrees to be upright


def turned(values: np.ndarray, **options: Any) -> Make:
    """With a camera's note; upright it is what another program makes of it by the note."""

    def make(path: Path) -> Drawn:
        Image.fromarray(values).save(path, exif=TURNED, **options)
        with Image.open(path) as shown:
            return Drawn(np.rot90(np.array(shown), -1).copy(), "YXS" if values.ndim == 3 else "YX")

    return make


def pixmap(header: str, stored: np.ndarray, meant: np.ndarray | None = None, white: int = 0) -> Make:
    """Netpbm's formats by hand; text where the header says so."""
    values = stored if meant is None else meant

    def make(path: Path) -> Drawn:
        letter, most = int(header[1]), np.asarray(white or 255)
        wide = ">u2" if most > 255 else "u1"
        body = " ".join(map(str, stored.ravel().tolist())).encode() if letter < 4 else stored.astype(wide).tobytes()
        if letter == 4:
            body = np.packbits(stored.astype(bool), axis=1).tobytes()
        named = "" if letter in (1, 4) else f"{white or 255}\n"
        path.write_bytes(f"P{letter}\n# by hand\n{WIDTH} {HEIGHT}\n{named}".encode() + body + b"\n" * (letter < 4))
        return Drawn(values, "YX" if values.ndim == 2 else "YXS", white)

    return make


def floatmap(order: str) -> Make:
    """PFM: rows from the bottom up, a scale whose sign is the order of bytes."""

    def make(path: Path) -> Drawn:
        values = grey(np.float32)
        head = f"Pf\n{WIDTH} {HEIGHT}\n{'-1.0' if order == '<' else '1.0'}\n".encode()
        path.write_bytes(head + values[::-1].astype(f"{order}f4").tobytes())
        return Drawn(values)

    return make


def content(data: bytes | Callable[[], bytes]) -> Make:
    """Bytes as they are; nothing is read from them."""

    def make(path: Path) -> Drawn:
        path.write_bytes(data() if callable(data) else data)
        return Drawn(np.zeros((HEIGHT, WIDTH), np.uint8))

    return make


def huge_tif(path: Path) -> Drawn:
    """Its header names 65,536 x 65,536 pixels."""
    tifffile.imwrite(path, G8, byteorder="<", metadata=None)
    with tifffile.TiffFile(path) as tiff:
        places = [(tiff.pages[0].tags[tag].valueoffset, int(tiff.pages[0].tags[tag].dtype)) for tag in (256, 257)]
    data = bytearray(path.read_bytes())
    for place, type_ in places:
        assert type_ == 4
        data[place : place + 4] = (65536).to_bytes(4, "little")
    path.write_bytes(data)
    return Drawn(G8)


def zeroed(make: Make) -> Make:
    """What another makes, with zeros for its last fourth, as a download that broke off leaves it."""

    def make_less(path: Path) -> Drawn:
        drawn, data = make(path), path.read_bytes()
        path.write_bytes(data[: len(data) * 3 // 4] + bytes(len(data) - len(data) * 3 // 4))
        return drawn

    return make_less


def padded(make: Make) -> Make:
    """What another makes, with zeros behind its end."""

    def make_more(path: Path) -> Drawn:
        drawn = make(path)
        path.write_bytes(path.read_bytes() + bytes(100))
        return drawn

    return make_more


def with_copy(path: Path) -> Drawn:
    """A JPEG with a small copy of itself, which has an end of its own, before its pixels."""
    drawn = pil(smooth(), quality=95)(path)
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xec" + struct.pack(">H", 2 + len(data)) + data + data[2:])
    return drawn


def cut(make: Make, part: float, suffix: str) -> Make:
    """The beginning of what another makes."""

    def make_less(path: Path) -> Drawn:
        drawn = make(path.with_name(f"whole{suffix}"))
        whole = path.with_name(f"whole{suffix}")
        path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * part)])
        whole.unlink()
        return drawn

    return make_less


EQUAL: Expectation = dict.fromkeys(WAYS, 0.0)


def near(tolerance: float) -> Expectation:
    """Read to the bit; written again with a loss, or in float32 on the way."""
    return EQUAL | {"restore": tolerance, "corrupt": tolerance}


def said(text: str) -> Expectation:
    return dict.fromkeys(WAYS, text)


def stack(text: str) -> Expectation:
    """Pictures for training and to restore; what comes in is one picture a file."""
    return EQUAL | {"retrain": f"pictures ({text}), and one was expected"}


def tiny(tolerance: float = 0) -> Expectation:
    return near(tolerance) | {"train": "Smaller than a crop of 4 x 4 pixels", "retrain": "has fewer than 4 pixels"}


G8, G16, C8, C16 = grey(), grey(np.uint16), colour(), colour(np.uint16)
STACK = draw(np.uint16, 2, 3, 2, HEIGHT, WIDTH)
ICC = b"\0" * 36 + b"acsp" + b"\0" * 88  # no decoder looks into it
KINDS: dict[str, tuple[Make, Expectation]] = {
    # PNG
    "grey 1 bit.png": (few_bits(1), EQUAL),
    "grey 2 bits.png": (few_bits(2), EQUAL),
    "grey 4 bits.png": (few_bits(4), EQUAL),
    "grey 8 bits.png": (png(G8, 8), EQUAL),
    "grey 16 bits.png": (png(G16, 16), EQUAL),
    "grey and alpha.png": (png(colour(samples=2), 8), EQUAL),
    "grey and alpha 16 bits.png": (png(colour(np.uint16, 2), 16), EQUAL),
    "rgb.png": (png(C8, 8), EQUAL),
    "rgb 16 bits.png": (png(C16, 16), EQUAL),
    "rgba.png": (png(colour(samples=4), 8), EQUAL),
    "rgba 16 bits.png": (png(colour(np.uint16, 4), 16), EQUAL),
    "palette.png": (png(INDEX, 8, PALETTE[INDEX], 3, ((b"PLTE", PALETTE.tobytes()),)), EQUAL),
    "palette 4 bits.png": (png(INDEX, 4, PALETTE[INDEX], 3, ((b"PLTE", PALETTE.tobytes()),)), EQUAL),
    "palette and alpha.png": (
        png(INDEX, 8, np.dstack([PALETTE[INDEX], SEEN[INDEX]]), 3,
            ((b"PLTE", PALETTE.tobytes()), (b"tRNS", SEEN.tobytes()))),
        EQUAL,
    ),
    "grey keyed.png": (keyed(G8, 8), EQUAL),
    "rgb keyed.png": (keyed(C8, 8), EQUAL),
    "grey 16 bits keyed.png": (keyed(G16, 16), EQUAL),
    "rgb 16 bits keyed.png": (keyed(C16, 16), EQUAL),
    "interlaced.png": (png(C8, 8, interlaced=True), EQUAL),
    "interlaced 16 bits.png": (png(G16, 16, interlaced=True), EQUAL),
    "turned.png": (turned(C8), EQUAL),
    "profile.png": (pil(C8, icc_profile=ICC), EQUAL),
    "moving.png": (moving("PNG"), said("has 2 pages, and one picture was expected")),
    # JPEG
    "grey.jpg": (pil(smooth(1), quality=95), near(4)),
    "rgb.jpg": (pil(smooth(), quality=95), near(6)),
    "progressive.jpg": (pil(smooth(), quality=95, progressive=True), near(6)),
    "cmyk.jpg": (pil(Image.fromarray(smooth()).convert("CMYK"), "RGB", quality=95), near(8)),
    "turned.jpg": (turned(smooth(), quality=95), near(6)),
    "turned grey.jpg": (turned(smooth(1), quality=95), near(4)),
    "zeroed.jpg": (zeroed(pil(colour(), quality=95)), said("it is cut off: its end is missing")),
    "zeroed with a small copy.jpg": (zeroed(with_copy), said("it is cut off: its end is missing")),
    "with a small copy.jpg": (with_copy, near(6)),
    "padded.jpg": (padded(pil(smooth(), quality=95)), near(6)),
    "truncated.jpg": (cut(pil(smooth(), quality=95), 0.8, ".jpg"), said("cannot be read")),
    # TIFF, types of numbers
    "uint8.tif": (tif(G8), EQUAL),
    "uint16.tif": (tif(G16), EQUAL),
    "uint32.tif": (tif(grey(np.uint32)), near(2**8)),
    "int16.tif": (tif(grey(np.int16)), EQUAL),
    "int32.tif": (tif(grey(np.int32)), near(2**8)),
    "float16.tif": (tif(grey(np.float16)), EQUAL),
    "float32.tif": (tif(grey(np.float32)), EQUAL),
    "float64.tif": (tif(grey(np.float64)), near(1e-7)),
    "counts.tif": (tif(grey(np.float32, 3200)), near(1e-3)),
    "12 of 16 bits.tif": (tif(grey(np.uint16, 4095)), EQUAL),
    "packed 12 bits.tif": (packed12(), EQUAL),
    "packed 12 bits rgb.tif": (packed12(3), EQUAL),
    "bilevel.tif": (tif(grey(white=1).astype(bool), meant=Drawn(grey(white=1) * 255)), EQUAL),
    "rgb8.tif": (tif(C8, "YXS"), EQUAL),
    "rgb16.tif": (tif(C16, "YXS"), EQUAL),
    "rgb float32.tif": (tif(colour(np.float32), "YXS"), EQUAL),
    "rgb float16.tif": (tif(colour(np.float16), "YXS"), EQUAL),
    "int8.tif": (tif(grey(np.int8)), said("is a TIFF of the type int8")),
    "complex.tif": (tif(G8.astype(np.complex64)), said("is a TIFF of the type complex64")),
    # TIFF, how they lie there
    "strips.tif": (tif(G16, rowsperstrip=5), EQUAL),
    "tiles.tif": (tif(C8, "YXS", tile=(16, 16)), EQUAL),
    "lzw.tif": (tif(G16, compression="lzw", predictor=True), EQUAL),
    "deflate.tif": (tif(C16, "YXS", compression="zlib", predictor=True), EQUAL),
    "deflate float.tif": (tif(grey(np.float32), compression="zlib", predictor=True), EQUAL),
    "zstd.tif": (tif(G16, compression="zstd"), EQUAL),
    "packbits.tif": (tif(G8, compression="packbits"), EQUAL),
    "lzma.tif": (tif(C16, "YXS", compression="lzma"), EQUAL),
    "png inside.tif": (tif(C8, "YXS", compression="png"), EQUAL),
    "jpeg.tif": (lossy(tif(smooth(), "YXS", compression="jpeg")), EQUAL),
    "jpeg grey.tif": (lossy(tif(smooth(1), compression="jpeg")), EQUAL),
    "jpeg tiles.tif": (lossy(tif(smooth(), "YXS", compression="jpeg", tile=(16, 16))), EQUAL),
    "jpeg 2000.tif": (lossy(tif(smooth(), "YXS", compression="jpeg2000")), EQUAL),
    "webp inside.tif": (lossy(tif(smooth(), "YXS", compression="webp")), EQUAL),
    "big endian.tif": (tif(G16, byteorder=">"), EQUAL),
    "big endian float.tif": (tif(grey(np.float32), byteorder=">"), EQUAL),
    "bigtiff.tif": (tif(C16, "YXS", bigtiff=True), EQUAL),
    "planes.tif": (planes(C16), EQUAL),
    "planes 8 bits lzw.tif": (planes(C8, compression="lzw"), EQUAL),
    "white is zero.tif": (tif(255 - G8, meant=Drawn(G8), photometric="miniswhite"), EQUAL),
    "white is zero 16.tif": (tif(65535 - G16, meant=Drawn(G16), photometric="miniswhite"), EQUAL),
    "palette.tif": (
        tif(INDEX, meant=Drawn(PALETTE[INDEX], "YXS"), photometric="palette",
            colormap=np.concatenate([PALETTE, np.zeros((240, 3), np.uint8)]).T.astype(np.uint16) * 257),
        EQUAL,
    ),
    "rgba.tif": (tif(colour(samples=4), "YXS", extrasamples=["unassalpha"]), EQUAL),
    "rgba 16.tif": (tif(colour(np.uint16, 4), "YXS", extrasamples=["unassalpha"]), EQUAL),
    "grey and alpha.tif": (
        tif(colour(samples=2), "YXS", photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]),
        EQUAL,
    ),
    "turned.tif": (
        tif(np.rot90(G16).copy(), meant=Drawn(G16), extratags=[(274, 3, 1, 6, True)]), EQUAL
    ),
    "two channels.tif": (
        tif(colour(samples=2), "YXS", photometric="minisblack", planarconfig="contig"), said("has 2 channels; 1 (grey)")
    ),
    "four channels.tif": (
        tif(colour(samples=5), "YXS", photometric="minisblack", planarconfig="contig"), said("has 5 channels; 1 (grey)")
    ),
    # TIFF, several pictures
    "pages.tif": (tif(STACK[0, :, 0].copy(), "QYX"), stack("page 3")),
    "pages in colour.tif": (tif(draw(np.uint8, 3, HEIGHT, WIDTH, 3), "QYXS"), stack("page 3")),
    "ome.tif": (tif(STACK, "TZCYX", ome=True, metadata={"axes": "TZCYX"}), stack("time 2, depth 3, channel 2")),
    "ome rgb.tif": (tif(C8, "YXS", ome=True, metadata={"axes": "YXS"}), EQUAL),
    "ome rgb stack.tif": (
        tif(draw(np.uint8, 3, HEIGHT, WIDTH, 3), "ZYXS", ome=True, metadata={"axes": "ZYXS"}), stack("depth 3")
    ),
    "imagej.tif": (tif(STACK[0, :, 0].copy(), "ZYX", imagej=True, metadata={"axes": "ZYX"}), stack("depth 3")),
    "hyperstack.tif": (
        tif(STACK, "TZCYX", imagej=True, metadata={"axes": "TZCYX"}), stack("time 2, depth 3, channel 2")
    ),
    "imagej rgb.tif": (tif(C8, "YXS", imagej=True, metadata={"axes": "YXS"}), EQUAL),
    "pyramid ome.tif": (pyramid(STACK[0, :, 0], "ZYX", ome=True), stack("depth 3")),
    "pyramid.tif": (pyramid(G16, "YX", ome=False), EQUAL),
    # the others
    "bilevel.bmp": (pil(Image.fromarray(grey(white=1) * 255).convert("1"), "L"), EQUAL),
    "grey.bmp": (pil(G8), EQUAL),
    "palette.bmp": (pil(Image.fromarray(C8).quantize(16), "RGB"), EQUAL),
    "rgb.bmp": (pil(C8), EQUAL),
    "rgba.bmp": (pil(colour(samples=4)), EQUAL),
    "still.gif": (pil(Image.fromarray(C8).quantize(16), "RGB"), EQUAL),
    "moving.gif": (moving("GIF"), said("has 2 pages, and one picture was expected")),
    "lossy.webp": (pil(smooth(), quality=90), EQUAL),
    "lossless.webp": (pil(C8, lossless=True), EQUAL),
    "alpha.webp": (pil(colour(samples=4), lossless=True, exact=True), EQUAL),
    "moving.webp": (moving("WEBP"), said("has 2 pages, and one picture was expected")),
    "text.pbm": (pixmap("P1", 1 - grey(white=1), grey(white=1) * 255), EQUAL),
    "packed.pbm": (pixmap("P4", 1 - grey(white=1), grey(white=1) * 255), EQUAL),
    "text.pgm": (pixmap("P2", G8), EQUAL),
    "binary.pgm": (pixmap("P5", G8), EQUAL),
    "text 16 bits.pgm": (pixmap("P2", G16, white=65535), EQUAL),
    "binary 16 bits.pgm": (pixmap("P5", G16, white=65535), EQUAL),
    "binary 12 bits.pgm": (pixmap("P5", grey(np.uint16, 4095), white=4095), EQUAL),
    "text 12 bits.pgm": (pixmap("P2", grey(np.uint16, 4095), white=4095), EQUAL),
    "text.ppm": (pixmap("P3", C8), EQUAL),
    "binary.ppm": (pixmap("P6", C8), EQUAL),
    "text 16 bits.ppm": (pixmap("P3", C16, white=65535), EQUAL),
    "binary 16 bits.ppm": (pixmap("P6", C16, white=65535), EQUAL),
    "little.pfm": (floatmap("<"), EQUAL),
    "big.pfm": (floatmap(">"), EQUAL),
    "rgb.pfm": (content(b"PF\n4 4\n-1.0\n" + bytes(192)), said("no picture of a kind that is read")),
    "12 bits.ppm": (pixmap("P6", draw(np.uint16, HEIGHT, WIDTH, 3, white=4095), white=4095), EQUAL),
    "text 12 bits.ppm": (pixmap("P3", draw(np.uint16, HEIGHT, WIDTH, 3, white=4095), white=4095), EQUAL),
    # what is wrong with them, or nearly
    "empty.png": (content(b""), said("is empty. Take it out.")),
    "empty.tif": (content(b""), said("is empty. Take it out.")),
    "text.png": (content(b"no picture\n"), said("is by its content no picture of a kind that is read")),
    "truncated.png": (cut(png(C8, 8), 0.7, ".png"), said("cannot be read")),
    "truncated 16 bits.png": (cut(png(C16, 16), 0.7, ".png"), said("cannot be read")),
    "truncated.tif": (cut(tif(G16), 0.7, ".tif"), said("cannot be read")),
    "truncated lzw.tif": (cut(tif(G16, compression="lzw", rowsperstrip=3), 0.7, ".tif"), said("cannot be read")),
    "truncated jpeg inside.tif": (halved(tif(smooth(), "YXS", compression="jpeg")), said("a JPEG, is cut off")),
    "truncated grey jpeg inside.tif": (halved(tif(smooth(1), compression="jpeg")), said("a JPEG, is cut off")),
    "truncated deflate.tif": (halved(tif(G16, compression="zlib")), said("cannot be read")),
    "truncated text.pgm": (cut(pixmap("P2", G16, white=65535), 0.7, ".pgm"), said("it is cut off")),
    "truncated binary.ppm": (cut(pixmap("P6", C16, white=65535), 0.7, ".ppm"), said("it is cut off")),
    "beyond white.pgm": (pixmap("P2", G16, white=4095), said("a number is larger than the white that it names")),
    "words.ppm": (content(b"P3 4 4 65535\n" + b"1 two " * 24), said("something else than numbers stands among them")),
    "nearly 0.tif": (tif(np.where(grey(np.float32) == 0, np.float32(-1e-7), grey(np.float32))), near(2e-7)),
    "nan.tif": (tif(np.where(grey(np.float32) == 0, np.float32(np.nan), grey(np.float32))), said("NaN or infinite")),
    "inf.tif": (tif(np.where(grey(np.float32) == 1, np.float32(np.inf), grey(np.float32))), said("NaN or infinite")),
    "all equal.png": (png(np.full_like(G8, 7), 8), EQUAL),
    "all equal 16.tif": (tif(np.full_like(G16, 700)), EQUAL),
    "all equal float.tif": (tif(np.full((HEIGHT, WIDTH), 0.5, np.float32)), EQUAL),
    "all below 0.tif": (tif(np.full((HEIGHT, WIDTH), -3, np.float32)),
        said("so that nothing tells which of them are") | {"retrain": "has values from -3 to -3, expected 0 to 1"}),
    "a pixel.png": (png(G8[:1, :1], 8), tiny()),
    "a row.png": (png(C8[:1], 8), tiny()),
    "a column.tif": (tif(G16[:, :1].copy()), tiny()),
    "huge.png": (
        content(png_bytes(G8, 8, 0, side=65536)),
        said("has 4,295.0 megapixels, and up to 180 are read"),
    ),
    "huge.pgm": (content(b"P5 65536 65536 255\n"), said("has 4,295.0 megapixels, and up to 180 are read")),
    "huge.bmp": (
        content(b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 65536, 65536, 1, 24, 0, 0, 1, 1, 0, 0)),
        said("has 4,295.0 megapixels, and up to 180 are read"),
    ),
    "huge.tif": (huge_tif, said("has 4,295.0 megapixels, and up to 180 are read")),
}  # fmt: skip


@pytest.fixture(scope="module")
def restorers(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Restorer]:
    """Of networks that change nothing, by their channels."""
    folder = tmp_path_factory.mktemp("networks")
    found = {}
    for channels in (1, 3):
        path = network_that_changes_nothing(folder / f"{channels}.safetensors", channels)
        network, header = load_with_header(Path(path))
        found[channels] = Restorer.of(network, header.shapes)
    return found


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Drawn, Expectation]:
    """A file, alone in its folder, what is in it, and what is expected."""
    make, expected = KINDS[request.param]
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / request.param.replace(" ", "-")
    return path, make(path), expected


def copies(path: Path, count: int) -> Path:
    """A folder with so many of them."""
    folder = path.parent.with_name("copies")
    folder.mkdir()
    for number in range(count):
        shutil.copy(path, folder / f"{number:02}{path.suffix}")
    return folder


def stored(path: Path) -> tuple[np.ndarray, str]:
    """What stands in a file that we wrote, and its axes, as others read it."""
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as tiff:
            return tiff.series[0].asarray(), tiff.series[0].axes
    if path.suffix == ".png":
        values = imagecodecs.png_decode(path.read_bytes())
    elif path.suffix in (".ppm", ".pgm"):
        values, _ = stored_pixmap(path.read_bytes())
    else:
        with Image.open(path) as image:
            values = np.array(image)
    return values, "YX" if values.ndim == 2 else "YXS"


def stored_pixmap(data: bytes) -> tuple[np.ndarray, int]:
    """The numbers of a binary pixmap of Netpbm without comments, and the white that it names."""
    letter, width, height, white = map(int, re.match(rb"P(5|6)\s(\d+)\s(\d+)\s(\d+)\s", data).groups())
    samples = 3 if letter == 6 else 1
    kind = np.dtype(">u2" if white > 255 else "u1")
    values = np.frombuffer(data[-height * width * samples * kind.itemsize :], kind).astype(kind.newbyteorder("="))
    return values.reshape(height, width, *[3] * (samples > 1)), white


def require_same(folder: Path, drawn: Drawn, tolerance: float) -> None:
    """One file was written, and it holds what was drawn."""
    (path,) = folder.iterdir()
    values, axes = stored(path)
    assert (values.dtype, values.shape, axes) == (drawn.values.dtype, drawn.values.shape, drawn.axes)
    if path.suffix in (".ppm", ".pgm"):
        assert stored_pixmap(path.read_bytes())[1] == (drawn.white or WHITE[str(values.dtype)])
    assert np.abs(values.astype(np.float64) - drawn.values.astype(np.float64)).max() <= tolerance


def require_said(call: Callable[[], object], text: str) -> None:
    """One of our own errors, in one paragraph."""
    with pytest.raises(DaecoreError) as raised:
        call()
    assert text in str(raised.value)
    assert str(raised.value).count("\n") < 3


def test_restored(kind: tuple[Path, Drawn, Expectation], restorers: dict[int, Restorer]) -> None:
    """By a network that changes nothing every file comes back with its own numbers, or is not begun."""
    path, drawn, expected = kind
    out, wanted = path.parent.with_name("out"), expected["restore"]

    def restore() -> None:
        (job,) = plan(path, out).jobs
        how = Restoration(restorers[drawn.pictures.shape[1]], value_range=range_of([path], "auto"))
        restore_file(job, how)

    out.mkdir()
    if isinstance(wanted, str):
        require_said(restore, wanted)
        assert [*out.iterdir()] == []
        return
    restore()
    require_same(out, drawn, wanted)


def test_corrupted(kind: tuple[Path, Drawn, Expectation]) -> None:
    """By noise without strength likewise."""
    path, drawn, expected = kind
    out, wanted = path.parent.with_name("out"), expected["corrupt"]
    nothing = Corruptor([spec("corruption", {"gaussian_noise": {"sigma": 0}})])

    def corrupt() -> None:
        (job,) = plan(path, out).jobs
        corrupt_file(job, nothing, 0, range_of([path], "auto"))

    out.mkdir()
    if isinstance(wanted, str):
        require_said(corrupt, wanted)
        assert [*out.iterdir()] == []
        return
    corrupt()
    require_same(out, drawn, wanted)


def test_trained_on(kind: tuple[Path, Drawn, Expectation], tmp_path: Path) -> None:
    """What a network is tested on are the numbers of the file, over the range that was found."""
    path, drawn, expected = kind
    colour = drawn.pictures.shape[1] == 3
    options = ImageFolder(path=str(copies(path, 3)), mode="whole", size=4, crops_per_image=1, colour=colour)
    if isinstance(expected["train"], str):
        require_said(lambda: image_folder(options, cache=tmp_path / "data"), expected["train"])
        return
    splits = image_folder(options, cache=tmp_path / "data")
    found = as_float(splits.test[0].data[torch.arange(len(drawn.pictures))]).double()
    assert torch.allclose(found, drawn.between(splits.value_range), rtol=2e-7, atol=2e-7)


def test_coming_in(kind: tuple[Path, Drawn, Expectation], caplog: pytest.LogCaptureFixture) -> None:
    """Its noise is that of the same numbers as in training; what cannot be read is warned of, and stops nobody."""
    path, drawn, expected = kind
    channels = drawn.pictures.shape[1]
    if isinstance(expected["retrain"], str):
        assert incoming_noise(str(copies(path, 1)), channels) is None
        assert expected["retrain"] in caplog.text
        return
    found = range_of([path], "auto")
    estimate = incoming_noise(str(copies(path, 10)), channels, found)
    right = estimate_noise(drawn.between(found).float().expand(10, -1, -1, -1))
    assert estimate is not None
    assert estimate.sigma == pytest.approx(right.sigma, rel=1e-4, abs=1e-6)


def with_notes(path: Path, **options: Any) -> None:
    """By Pillow: 300 and 150 pixels an inch, a profile, and a camera's notes, by which it is to be turned."""
    notes = Image.Exif()
    notes[0x0112], notes[0x010F] = 6, "Maker"
    notes.get_ifd(0x8769).update({0x9003: "2026:01:02 03:04:05", 0xA002: WIDTH})
    Image.fromarray(smooth()).save(path, exif=notes, icc_profile=ICC, dpi=(300, 150), **options)


@pytest.mark.parametrize("way", ["restore", "corrupt"])
@pytest.mark.parametrize(
    ("name", "target"),
    [("a.png", "b.png"), ("a.jpg", "b.jpg"), ("a.jpg", "b.png"), ("a.webp", "b.webp"), ("a.png", "b.tif")],
)
def test_what_stands_beside_the_pixels_is_kept(
    tmp_path: Path, restorers: dict[int, Restorer], way: str, name: str, target: str
) -> None:
    """Resolution, profile and a camera's notes; the picture is upright, so that no note asks to turn it again."""
    with_notes(tmp_path / name)
    make(way, tmp_path / name, tmp_path / target, restorers[3])
    with Image.open(tmp_path / target) as image:
        assert image.size == (HEIGHT, WIDTH)
        assert image.info["icc_profile"] == ICC
        if not name.endswith("webp"):
            assert image.info["dpi"] == pytest.approx((150, 300), abs=0.02)  # its rows have become columns
        notes = image.getexif()
        assert 0x0112 not in notes or notes[0x0112] == 1
        if not target.endswith("tif"):
            assert notes[0x010F] == "Maker"
            assert notes.get_ifd(0x8769) == {0x9003: "2026:01:02 03:04:05"}


def make(way: str, source: Path, target: Path, restorer: Restorer, factor: int = 1) -> None:
    """Restore a file without changing it, or corrupt it without noise, or by a smaller size."""
    (job,) = plan(source, target).jobs
    noise = spec("corruption", {"gaussian_noise": {"sigma": 0}} if factor == 1 else {"downscale": {"factor": factor}})
    if way == "restore":
        restore_file(job, Restoration(restorer))
    else:
        corrupt_file(job, Corruptor([noise]), 0)


@pytest.mark.parametrize("kind_", [np.uint8, np.uint16])
def test_what_stands_beside_many_bits_is_kept(tmp_path: Path, restorers: dict[int, Restorer], kind_: type) -> None:
    """In a PNG of four channels, which of 16 bits others write than of 8."""
    size, notes = struct.pack(">IIB", 11811, 5906, 1), Image.Exif()
    notes[0x010F] = "Maker"
    chunks = ((b"pHYs", size), (b"eXIf", notes.tobytes().removeprefix(b"Exif\0\0")))
    png(colour(kind_, 4), 8 * kind_().itemsize, chunks=chunks)(tmp_path / "a.png")
    make("restore", tmp_path / "a.png", tmp_path / "b.png", restorers[3])
    with Image.open(tmp_path / "b.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 150), abs=0.02)
        assert image.getexif()[0x010F] == "Maker"


OME = {"axes": "YX", "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
IMAGEJ = {"axes": "YX", "unit": "um", "min": 3.0}


@pytest.mark.parametrize("way", ["restore", "corrupt"])
def test_sizes_of_pixels_of_a_single_picture_are_kept(tmp_path: Path, restorers: dict[int, Restorer], way: str) -> None:
    """As OME, ImageJ and plain TIFF say them; pixels of half as many are twice as large."""
    tifffile.imwrite(tmp_path / "ome.tif", G16, ome=True, metadata=OME)
    tifffile.imwrite(tmp_path / "imagej.tif", G16, imagej=True, metadata=IMAGEJ, resolution=(4, 2))
    tifffile.imwrite(tmp_path / "plain.tif", G16, resolution=(100, 50), resolutionunit=3)
    turned_tag = (274, 3, 1, 6, True)
    tifffile.imwrite(tmp_path / "turned.tif", G16, resolution=(50, 100), resolutionunit=3, extratags=[turned_tag])
    factor = 1 if way == "restore" else 2
    (tmp_path / "out").mkdir()
    for name in ("ome.tif", "imagej.tif", "plain.tif", "turned.tif"):
        make(way, tmp_path / name, tmp_path / "out" / name, restorers[1], factor)
    with tifffile.TiffFile(tmp_path / "out" / "ome.tif") as out:
        assert f'PhysicalSizeX="{0.25 * factor}" PhysicalSizeXUnit="µm"' in out.ome_metadata
        assert f'PhysicalSizeY="{0.5 * factor}"' in out.ome_metadata
    with tifffile.TiffFile(tmp_path / "out" / "imagej.tif") as out:
        assert (out.imagej_metadata["unit"], out.imagej_metadata["min"]) == ("um", 3.0)
        assert out.pages[0].resolution == (4 / factor, 2 / factor)
    for name in ("plain.tif", "turned.tif"):
        with tifffile.TiffFile(tmp_path / "out" / name) as out:
            assert out.pages[0].resolution == (100 / factor, 50 / factor)
            assert out.pages[0].resolutionunit == 3


@pytest.mark.parametrize("way", ["restore", "corrupt"])
def test_a_folder_of_all_kinds_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    """What cannot be read is told, a sentence each, and all others are written; the exit status is 1."""
    monkeypatch.setenv("DAE_STORE", str(tmp_path / "store"))
    (tmp_path / "in").mkdir()
    for name, (make, _) in KINDS.items():
        make(tmp_path / "in" / name)
    network = network_that_changes_nothing(tmp_path / "same.safetensors")
    words = [network] if way == "restore" else ["--corruption", "gaussian_noise: {sigma: 0}"]
    assert main([way, *words, str(tmp_path / "in"), str(tmp_path / "out"), "--range", "dtype"]) == 1
    told = capsys.readouterr().err
    refused = {name for name, (_, expected) in KINDS.items() if isinstance(expected[way], str)}
    left_out = {name for name in KINDS if f"/{name} was left out. " in told}
    assert left_out == refused | {"int16.tif", "int32.tif", "counts.tif"}  # whose numbers leave what their type says
    assert "Traceback" not in told
    assert len([*(tmp_path / "out").iterdir()]) == len(KINDS) - len(left_out)


@pytest.mark.long
def test_a_folder_of_deep_kinds_is_trained_on_and_watched_on_the_command_line(tmp_path: Path, dae: Any) -> None:
    """With the numbers of all types over one range; a file that is broken stops nobody who watches."""
    (tmp_path / "in").mkdir()
    for name in ("uint16.tif", "lzw.tif", "grey 16 bits.png", "text 16 bits.pgm", "grey 16 bits keyed.png"):
        for number in range(2):
            KINDS[name][0](tmp_path / "in" / f"{number} {name}")
    shutil.copytree(tmp_path / "in", tmp_path / "incoming")
    (tmp_path / "incoming" / "empty.png").write_bytes(b"")
    asked = [
        f"dataset={{image_folder: {{path: '{tmp_path}/in', size: 8, crops_per_image: 4}}}}", "training.epochs=1",
        "corruptions=[{gaussian_noise: {sigma: 0.1}}]", "architecture={unet: {widths: [2, 2]}}", "transfer=null",
    ]  # fmt: skip
    words = [word for it in asked for word in ("--set", it)]
    done = dae(tmp_path / "store", "retrain", "digits-erasure", *words, "--incoming", tmp_path / "incoming")
    assert "empty.png is empty. Take it out." in done.stdout + done.stderr
    assert "champion" in done.stdout
