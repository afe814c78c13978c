"""Plain PNG: 8 bits, grey or RGB, with nothing beside the pixels that changes them; read on a short way.

Large folders are mostly made of such files. Whatever is not certainly one is left to `daecore.data.raster`, which also
says what is wrong with a damaged one. Knows bytes.
"""

import struct
from typing import Any

from numpy.typing import NDArray

from daecore.data.image_limit import require_size

MAGIC = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2  # colour types
# Chunks without which a picture looks the same: words, times, sizes on paper, and colour spaces that nobody applies.
HARMLESS = {b"IDAT", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"sBIT"}
HEADER = struct.Struct(">I4sIIBBBBB")  # length and name of the first chunk, then what it holds
CHUNK = struct.Struct(">I4s")
CRC = 4


def decode_plain_png(content: bytes) -> NDArray[Any] | None:
    """The pixels ``(H, W, C)``, uint8, C = 1 or 3; None where the file is no such PNG, or is damaged.

    Args:
        content: Of the whole file.

    Raises:
        Refused: It has more pixels than are read.
    """
    if not _is_plain(content):
        return None
    import imagecodecs

    try:
        pixels: NDArray[Any] = imagecodecs.png_decode(content)
    except Exception:  # of its own kinds; the long way finds the words
        return None
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _is_plain(content: bytes) -> bool:
    """Whether the header and the names of all chunks say so."""
    first = len(MAGIC)
    if not content.startswith(MAGIC) or len(content) < first + HEADER.size + CRC:
        return False
    length, name, width, height, bits, colour, _, _, interlaced = HEADER.unpack_from(content, first)
    if (length, name, bits, interlaced) != (13, b"IHDR", 8, 0) or colour not in (GREY, RGB):
        return False
    require_size(width, height, 1 if colour == GREY else 3, len(content))
    place = first + HEADER.size + CRC
    while place + CHUNK.size <= len(content):
        length, name = CHUNK.unpack_from(content, place)
        if name == b"IEND":
            return True
        if name not in HARMLESS:
            return False
        place += CHUNK.size + length + CRC
    return False
