"""Parsers of pictures: each format that `docs/reference/image-files.md` names, by the one reader; and IDX."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from daecore_plugins.datasets.idx import read_idx
from fuzzed import Parser, as_it_is, by_file, given, of_file
from PIL import Image
from repairs import repair_png

from daecore.data import read_image

SIDE = 12


def _read(content: bytes, room: Path) -> object:
    """As it is, grey or in colour: the input itself says how, so that a found case is one file."""
    return by_file(lambda path: read_image(path, (0, 1, 3)[zlib.crc32(content) % 3]), "picture", content, room)


def _drawing(channels: int, kind: type = np.uint8, white: float = 255) -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    waves = np.stack([0.5 + 0.5 * np.sin((3 + n) * y + (5 - n) * x) for n in range(channels)], -1)
    values = (waves * white).astype(kind)
    return values[..., 0] if channels == 1 else values


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[274], exif[271] = 6, "a camera"
    return exif


def _saved(format: str, *images: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": list(images[1:])} if len(images) > 1 else {}
    images[0].save(buffer, format, **more, **options)
    return buffer.getvalue()


def _tif(values: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def _png16(values: np.ndarray) -> bytes:
    colours = {2: 0, 3: 2}[values.ndim] if values.shape[-1] != 4 else 6
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">2I5B", values.shape[1], values.shape[0], 16, colours, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    framed = [struct.pack(">I", len(data)) + name + data + bytes(4) for name, data in parts]
    return repair_png(b"\x89PNG\r\n\x1a\n" + b"".join(framed))


GREY, RGB = (Image.fromarray(_drawing(channels)) for channels in (1, 3))
RGBA, PALETTE, ONE_BIT = RGB.convert("RGBA"), RGB.quantize(16), GREY.convert("1")


def _pngs(room: Path) -> list[bytes]:
    clear = PALETTE.copy()
    clear.info["transparency"] = 3
    return [
        _saved("PNG", GREY), _saved("PNG", RGB, exif=_exif(), icc_profile=b"a profile"), _saved("PNG", RGBA),
        _saved("PNG", PALETTE), _saved("PNG", clear), _saved("PNG", ONE_BIT), _saved("PNG", GREY, GREY.rotate(90)),
        _saved("PNG", Image.fromarray(_drawing(1, np.uint16, 65535))), _png16(_drawing(3, np.uint16, 65535)),
        _png16(_drawing(4, np.uint16, 65535)),
    ]  # fmt: skip


def _jpegs(room: Path) -> list[bytes]:
    return [
        _saved("JPEG", RGB, exif=_exif()), _saved("JPEG", GREY), _saved("JPEG", RGB, progressive=True),
        _saved("JPEG", RGB.convert("CMYK")), _saved("JPEG", RGB, icc_profile=b"p" * 200), _saved("MPO", RGB,
            GREY.convert("RGB")),
    ]  # fmt: skip


def _tiffs(room: Path) -> list[bytes]:
    grey, deep = _drawing(1), _drawing(1, np.uint16, 65535)
    rgb, deep_rgb = _drawing(3), _drawing(3, np.uint16, 65535)
    return [
        _tif(grey), _tif(deep), _tif(deep, byteorder=">", bigtiff=True), _tif(rgb, photometric="rgb", tile=(16, 16)),
        _tif(deep_rgb, photometric="rgb", compression="lzw", predictor=True), _tif(_drawing(1, np.float32, 1)),
        _tif(_drawing(1, np.float64, 1)), _tif(_drawing(1, np.float16, 1)), _tif(grey, compression="zlib"),
        _tif(np.moveaxis(deep_rgb, 2, 0), photometric="rgb", planarconfig="separate"),
        _tif(255 - grey, photometric="miniswhite"), _tif(rgb, photometric="rgb", compression="jpeg"),
        _tif(_drawing(4), photometric="rgb", extrasamples=["unassalpha"]), _tif(_drawing(1, np.uint32, 2**32 - 1)),
        _tif(_drawing(1, np.int16, 32767)), _tif(grey, imagej=True), _tif(grey, extratags=[(274, 3, 1, 6, True)]),
        _tif(grey, metadata={"axes": "YX"}, description=None), _tif(grey, compression="packbits"),
        _saved("TIFF", PALETTE), _saved("TIFF", RGB.convert("CMYK")), _saved("TIFF", ONE_BIT, compression="group4"),
        _saved("TIFF", RGB, compression="jpeg"), _saved("TIFF", ONE_BIT), _saved("TIFF", GREY,
            icc_profile=b"profile"),
        _tif(grey, compression="lzma"), _tif(grey, compression="zstd"), _tif(rgb, compression="webp",
            photometric="rgb"),
        _tif(grey, compression="png"), _tif(grey, compression="jpeg2000"), _tif(grey, compression="lerc"),
    ]  # fmt: skip


def _bmps(room: Path) -> list[bytes]:
    run_lengths = (
        b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, 0, 1, 1, 0, 0)
    )
    run_lengths += bytes(1024) + b"\x04\x01\0\0\x04\x02\0\x01"
    return [_saved("BMP", it) for it in (GREY, RGB, RGBA, PALETTE, ONE_BIT)] + [run_lengths]


def _webps(room: Path) -> list[bytes]:
    return [
        _saved("WEBP", RGB), _saved("WEBP", RGB, lossless=True), _saved("WEBP", RGBA, exif=_exif(),
            icc_profile=b"abc"),
        _saved("WEBP", RGB, RGB.rotate(90)), _saved("WEBP", RGBA, lossless=True),
    ]  # fmt: skip


def _gifs(room: Path) -> list[bytes]:
    return [_saved("GIF", GREY), _saved("GIF", PALETTE, transparency=1), _saved("GIF", GREY, GREY.rotate(90)),
            _saved("GIF", PALETTE, interlace=1, comment=b"words")]  # fmt: skip


def _pixmaps(room: Path) -> list[bytes]:
    deep = _drawing(3, np.uint16, 65535).astype(">u2").tobytes()
    return [
        _saved("PPM", RGB), _saved("PPM", GREY), _saved("PPM", ONE_BIT),
        _saved("PPM", Image.fromarray(_drawing(1, np.uint16, 65535))),
        f"P6\n# by hand\n{SIDE} {SIDE}\n65535\n".encode() + deep,
        b"P3 2 1 255 1 2 3 4 5 6\n", b"P2\n2 2\n15\n1 2 3 4\n", b"P1 2 2 0 1 1 0\n", _saved("PPM", RGBA),
        _saved("PPM", Image.fromarray(_drawing(1, np.float32, 1))),
        f"PF\n{SIDE} {SIDE}\n-1.0\n".encode() + bytes(12 * SIDE**2),
        b"P5 2 2 1023 " + bytes(8), b"P6 2 2 1000 " + bytes(24),
    ]  # fmt: skip


def _idx(room: Path) -> list[bytes]:
    return [
        b"\0\0\x08\x03" + struct.pack(">3I", 4, 5, 6) + bytes(120),
        b"\0\0\x08\x01" + struct.pack(">I", 9) + bytes(9),
    ]


PNG = (b"IHDR", b"IDAT", b"IEND", b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"tEXt", b"zTXt",
    b"iTXt",
       b"gAMA", b"sBIT", b"\0\0\0\r", b"\x89PNG\r\n\x1a\n")  # fmt: skip
JPEG = (b"\xff\xd8", b"\xff\xc0\0\x11", b"\xff\xc2", b"\xff\xc4", b"\xff\xda", b"\xff\xdb", b"\xff\xdd",
    b"\xff\xe0", b"\xff\xe1",
        b"\xff\xe2", b"\xff\xee\0\x0eAdobe", b"Exif\0\0II*\0", b"MPF\0", b"ICC_PROFILE\0", b"\xff\xd9",
        b"\xff\xfe")  # fmt: skip
TIFF = (b"II*\0", b"MM\0*", b"II+\0", *(struct.pack("<H", tag) for tag in (254, 256, 257, 258, 259, 262, 273, 274,
    277, 278,
        279, 282, 284, 317, 320, 322, 323, 324, 325, 330, 338, 339, 347, 32997, 34675, 50839)),
        b"ImageJ=1.11a\nimages=9\n",
        b'{"shape": [9, 12, 12]}', b"<OME", *(struct.pack("<H", it) for it in (2, 3, 4, 5, 7, 8, 32773, 34712,
            34892, 50000,
        50001, 34933, 34887)))  # fmt: skip
PIXMAP = (b"P1 ", b"P2 ", b"P3 ", b"P4 ", b"P5 ", b"P6 ", b"P7\n", b"Pf\n", b"PF\n", b"Py ", b"65535", b"255", b"#",
    b"\n", b" ",
          b"WIDTH 4\nHEIGHT 4\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n", b"-1.0")  # fmt: skip

Formats = dict[str, tuple[Any, tuple[bytes, ...], Any]]
FORMATS: Formats = {
    "png": (_pngs, PNG, repair_png),
    "jpeg": (_jpegs, JPEG, as_it_is),
    "tiff": (_tiffs, TIFF, as_it_is),
    "bmp": (_bmps, (b"BM", struct.pack("<I", 40), struct.pack("<I", 124), struct.pack("<I", 12), struct.pack("<I",
        108)), as_it_is),
    "webp": (_webps, (b"RIFF", b"WEBP", b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"ICCP",
        b"XMP "), as_it_is),
    "gif": (_gifs, (b"GIF89a", b"GIF87a", b"\x21\xf9\x04", b"\x21\xfe", b"\x21\xff\x0bNETSCAPE2.0", b"\x2c",
        b"\x3b"), as_it_is),
    "pixmap": (_pixmaps, PIXMAP, as_it_is),
}  # fmt: skip
PARSERS = (
    *(Parser(name, _read, seeds, tokens, repair) for name, (seeds, tokens, repair) in FORMATS.items()),
    Parser("picture", _read, given(b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\0\0\0\x18ftypheic\0\0\0\0", b"text", b""),
        (*PNG[-1:], *JPEG[:2], *TIFF[:3], *PIXMAP[:9], b"GIF89a", b"BM")),
    Parser("idx", of_file(read_idx, "idx"), _idx, (b"\0\0\x08\x03", b"\0\0\x0d\x02", b"\0\0\x08\xff")),
)  # fmt: skip
