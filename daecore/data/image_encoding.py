"""A picture as the content of an image file: in its own depth, with its transparency and profile.

Knows which format holds what. Does not write files.
"""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from daecore.data.image_file import SUFFIXES, ImageFile
from daecore.data.samples import as_float
from daecore.data.stack_file import metadata_of
from daecore.data.value_scale import WHITE, Scale, unscaled
from daecore.errors import InputError

WRITTEN = tuple(suffix for suffix, format in SUFFIXES.items() if format)
KINDS = {"PNG": {"uint8", "uint16"}, "PPM": {"uint8", "uint16"}, "TIFF": set(WHITE)}  # the others hold 8 bits
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},
}
BESIDE = {  # what else a format holds, in Pillow's words
    "PNG": ("icc_profile", "exif", "dpi"), "JPEG": ("icc_profile", "exif", "dpi"), "WEBP": ("icc_profile", "exif"),
    "BMP": ("dpi",),
}  # fmt: skip
METRES = 0.0254  # in an inch
MOST_DPI, MOST_EXIF = 65535, 65000  # what a JPEG has room for: pixels in an inch, bytes
OPACITY = {"PNG", "TIFF", "WEBP", "BMP"}  # formats that hold transparency
HEADER = 33  # bytes of a PNG before which no other chunk may come


def encode_image(image: ImageFile, suffix: str) -> bytes:
    """The content of an image file.

    Args:
        image: What to write; it is clipped where its scale says so.
        suffix: The file's, which says the format: one of `WRITTEN`.

    Raises:
        InputError: The format cannot hold this picture, as JPEG no transparency.
    """
    format = SUFFIXES[suffix]
    kind = image.kind
    lacks = [f"values of the type {kind}"] if kind not in KINDS.get(format, {"uint8"}) else []
    lacks += ["transparency"] if image.alpha is not None and format not in OPACITY else []
    if lacks:
        holds = ".png or .tif" if kind in KINDS["PNG"] else ".tif"
        raise InputError(f"A {suffix} file cannot hold this picture: it has {' and '.join(lacks)}. Choose {holds}.")
    layers = layers_of(image)
    try:
        if format == "PPM" and kind == "uint16":
            return _ppm16(layers, int(min(image.counted.most, WHITE[kind])))
        return _tiff(layers, image) if format == "TIFF" else _other(layers, image, format)
    except (OSError, ValueError) as error:
        raise InputError(f"A {suffix} file cannot hold this picture: {error}. Choose .png or .tif.") from None


def layers_of(image: ImageFile) -> NDArray[Any]:
    """``(H, W, 1 to 4)`` in the file's type and numbers, alpha last."""
    kind = image.kind
    values: NDArray[np.float32] = as_float(image.pixels.detach().cpu()).permute(1, 2, 0).numpy()
    numbers = unscaled(values, image.counted, kind)
    if image.alpha is None:
        return numbers
    opaque = WHITE[kind]
    return np.dstack([numbers, unscaled(image.alpha, Scale(0, opaque, 0, opaque), kind)])


def _tiff(layers: NDArray[Any], image: ImageFile) -> bytes:
    import tifffile

    buffer, channels = io.BytesIO(), layers.shape[2]
    tifffile.imwrite(
        buffer,
        layers[..., 0] if channels == 1 else layers,
        photometric="minisblack" if channels < 3 else "rgb",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        iccprofile=image.profile or None,
        **metadata_of(image.description, (), str(layers.dtype), channels),
        **image.description.resolved,
    )
    return buffer.getvalue()


def _other(layers: NDArray[Any], image: ImageFile, format: str) -> bytes:
    """By Pillow, but for 16 bits in more than one channel, which it does not write."""
    if layers.dtype == np.uint16 and layers.shape[2] > 1:
        return _png16(layers, image)
    exif = b"" if format == "JPEG" and len(image.exif) > MOST_EXIF else image.exif
    said = {"icc_profile": image.profile, "exif": exif, "dpi": _dpi(image)}
    options: dict[str, Any] = {name: said[name] for name in BESIDE.get(format, ()) if said[name]}
    options |= OPTIONS.get(format, {})
    buffer = io.BytesIO()
    Image.fromarray(layers[..., 0] if layers.shape[2] == 1 else layers).save(buffer, format, **options)
    return buffer.getvalue()


def _dpi(image: ImageFile) -> tuple[float, float] | None:
    """Pixels in an inch along a row and a column; None where that is not said, or not what a printer knows."""
    across, down = image.description.dpi
    return (across, down) if 1 <= across <= MOST_DPI and 1 <= down <= MOST_DPI else None


def _png16(layers: NDArray[Any], image: ImageFile) -> bytes:
    """With what stands beside the pixels in chunks after the header (PNG, third edition, 11.3)."""
    import imagecodecs

    content, dpi = bytes(imagecodecs.png_encode(np.ascontiguousarray(layers))), _dpi(image)
    chunks = [b"iCCP" + b"profile\0\0" + zlib.compress(image.profile)] if image.profile else []
    if dpi:
        across, down = (round(it / METRES) for it in dpi)
        chunks.append(b"pHYs" + struct.pack(">IIB", across, down, 1))
    if image.exif:
        chunks.append(b"eXIf" + image.exif.removeprefix(b"Exif\0\0"))
    framed = b"".join(struct.pack(">I", len(it) - 4) + it + struct.pack(">I", zlib.crc32(it)) for it in chunks)
    return content[:HEADER] + framed + content[HEADER:]


def _ppm16(layers: NDArray[Any], white: int) -> bytes:
    height, width, channels = layers.shape
    return f"P{6 if channels == 3 else 5}\n{width} {height}\n{white}\n".encode() + layers.astype(">u2").tobytes()
