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
from daecore.data.value_scale import WHITE, Scale, unscaled
from daecore.errors import InputError

WRITTEN = tuple(suffix for suffix, format in SUFFIXES.items() if format)
KINDS = {"PNG": {"uint8", "uint16"}, "PPM": {"uint8", "uint16"}, "TIFF": set(WHITE)}  # the others hold 8 bits
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},
}
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
        return _tiff(layers, image.profile) if format == "TIFF" else _other(layers, image.profile, format)
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


def _tiff(layers: NDArray[Any], profile: bytes) -> bytes:
    import tifffile

    buffer, channels = io.BytesIO(), layers.shape[2]
    tifffile.imwrite(
        buffer,
        layers[..., 0] if channels == 1 else layers,
        photometric="minisblack" if channels < 3 else "rgb",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        iccprofile=profile or None,
        metadata=None,
    )
    return buffer.getvalue()


def _other(layers: NDArray[Any], profile: bytes, format: str) -> bytes:
    """By Pillow, but for 16 bits in more than one channel, which it does not write."""
    if layers.dtype == np.uint16 and layers.shape[2] > 1:
        return _png16(layers, profile)
    options: dict[str, Any] = {"icc_profile": profile} if profile and format in ("PNG", "JPEG", "WEBP") else {}
    options |= OPTIONS.get(format, {})
    buffer = io.BytesIO()
    Image.fromarray(layers[..., 0] if layers.shape[2] == 1 else layers).save(buffer, format, **options)
    return buffer.getvalue()


def _png16(layers: NDArray[Any], profile: bytes) -> bytes:
    """With the profile as a chunk of its own after the header (PNG, third edition, 11.3.2.3)."""
    import imagecodecs

    content = bytes(imagecodecs.png_encode(np.ascontiguousarray(layers)))
    if not profile:
        return content
    chunk = b"iCCP" + b"profile\0\0" + zlib.compress(profile)
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content[:HEADER] + framed + content[HEADER:]


def _ppm16(layers: NDArray[Any], white: int) -> bytes:
    height, width, channels = layers.shape
    return f"P{6 if channels == 3 else 5}\n{width} {height}\n{white}\n".encode() + layers.astype(">u2").tobytes()
