"""Image files but TIFF: opened by Pillow, one of the formats named here, whatever the file's name says.

Knows PNG, JPEG, BMP, GIF, WebP and portable pixmaps. What Pillow would read with 8 bits of 16, it has read elsewhere.
"""

import os
import re
import threading
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.ExifTags import IFD

from daecore.data.image_limit import require_size
from daecore.data.image_values import SIDEWAYS, Refused, Stored, turn

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
GREY = {"1", "L", "LA", "La"}
DEEP = {"I;16": "uint16", "I;16L": "uint16", "I;16B": "uint16", "I;16N": "uint16", "I": "uint16", "F": "float32"}
OTHER_CHANNELS = ("CMYK", "YCbCr", "LAB", "HSV")  # a profile of these does not describe what we give
SLOW_MEGAPIXELS = 4
MARKER, START_OF_SCAN, START_OF_JPEG, END_OF_JPEG = 0xFF, 0xDA, b"\xff\xd8", b"\xff\xd9"
ORIENTATION = 0x0112
RESOLUTION, SIZE = (282, 283, 296), (0xA002, 0xA003)  # tags of a camera's notes
COMMENT, DIGITS = re.compile(rb"#[^\r\n]*"), b"0123456789 \t\r\n\v\f"  # of a pixmap as text
_OPENING = threading.Lock()


def decode_raster(file: IO[bytes], start: bytes, channels: int = 0, formats: tuple[str, ...] = FORMATS) -> Stored:
    """Read one picture; of an MPO, as phones write it, the first.

    Args:
        file: Its content, at the beginning.
        start: The first bytes of it, by which a damaged file is told from another kind.
        channels: 1 or 3: values of 8 bits come with so many, and without alpha; 0: as the file has them.
        formats: Which formats of Pillow's may be opened.

    Raises:
        Refused: It is no picture of these formats, several pictures, too large, or of a kind that is not read.
        Exception: Decoders raise what they like on damaged files.
    """
    with _open(file, start, formats) as image:
        require_size(*image.size, _pixel_bytes(image), _size(file))
        _require_soon(image)
        if image.format in ("JPEG", "MPO"):
            _require_end(file)
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        if frames > 1:
            raise Refused(several(frames))
        profile = b"" if image.mode in OTHER_CHANNELS else bytes(image.info.get("icc_profile") or b"")
        layers, white, notes = _layers(image, file, channels)
        orientation, spoilt = _orientation(image)  # only after the pixels: of a PNG it reads them
        dpi, exif = _dpi(image), b"" if channels or spoilt else _exif(image)
    if orientation in SIDEWAYS:
        dpi = dpi[::-1]
    layers, notes = turn(layers, orientation), (*notes, *spoilt)
    opaque = layers.shape[2] % 2 == 1
    alpha = None if opaque or channels else layers[..., -1].astype(np.float32) / np.float32(white)
    return Stored(layers if opaque else layers[..., :-1], white, alpha, profile, notes, dpi, exif)


def _size(file: IO[bytes]) -> int:
    """Of the whole, and the place stays: Pillow reads on from it."""
    place, size = file.tell(), file.seek(0, os.SEEK_END)
    file.seek(place)
    return size


def _pixel_bytes(image: ImageFile.ImageFile) -> int:
    """As it is unfolded: Pillow knows 8 bits, and floats."""
    return len(image.getbands()) * (4 if image.mode in ("I", "F") else 2 if image.mode.startswith("I;16") else 1)


def _require_soon(image: ImageFile.ImageFile) -> None:
    """Refuse what Pillow unfolds value by value in Python: runs of a BMP, which nobody has written for decades."""
    megapixels = image.size[0] * image.size[1] / 1e6
    if megapixels > SLOW_MEGAPIXELS and any(tile.codec_name == "bmp_rle" for tile in image.tile):
        raise Refused(
            f"is a BMP with compressed runs and {megapixels:.1f} megapixels, of which up to {SLOW_MEGAPIXELS} are read."
            " Save it as PNG."
        )


def _require_end(file: IO[bytes]) -> None:
    """Refuse a JPEG without its end, as a download that broke off leaves it: its zeros are read as grey (ITU-T T.81).

    Raises:
        ValueError: It has none behind the beginning of its pixels; a small copy before them has an end of its own.
    """
    place = file.tell()
    file.seek(0)
    content, at = file.read(), len(START_OF_JPEG)
    file.seek(place)
    while at + 4 <= len(content) and content[at] == MARKER and content[at + 1] != START_OF_SCAN:
        fills = content[at + 1] == MARKER
        at += 1 if fills else 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    if content.find(END_OF_JPEG, at) < 0:
        raise ValueError("it is cut off: its end is missing")


def several(pages: int | str) -> str:
    """The refusal of a stack: the rest of a sentence."""
    return f"has {pages} pages, and one picture was expected. Save each as a file of its own."


def _open(file: IO[bytes], start: bytes, formats: tuple[str, ...]) -> ImageFile.ImageFile:
    if not start:
        raise Refused("is empty. Take it out.")
    with _OPENING:  # Pillow's own limit is one for the whole process; ours is asked before anything is decoded
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=formats)
        except UnidentifiedImageError:
            if any(accepts(start) for name in formats if (accepts := Image.OPEN[name][1])):
                raise ValueError("its beginning is damaged") from None
            raise Refused(
                f"is by its content no picture of a kind that is read: TIFF, {', '.join(FORMATS)}. "
                "Convert it, or take it out."
            ) from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _orientation(image: ImageFile.ImageFile) -> tuple[int, tuple[str, ...]]:
    """How a camera says that the picture is looked at; 1 (as it lies there) and a note where that is spoilt."""
    try:
        found = int(image.getexif().get(ORIENTATION, 1))
        Image.Exif().load(image.info.get("exif") or b"")  # opening a JPEG has hidden what this raises
    except Exception:  # of a damaged block: SyntaxError, struct.error, KeyError, TypeError ...
        return 1, ("its camera's notes (EXIF) are damaged, so it is not turned; its pixels are intact",)
    return found, ()


def _exif(image: ImageFile.ImageFile) -> bytes:
    """A camera's notes but for those that are said elsewhere, or would be wrong of what is made of the picture.

    These are how it is to be turned, its size and resolution, and its small copy.
    """
    try:
        notes = image.getexif()
        for tag in (ORIENTATION, *(RESOLUTION if any(_dpi(image)) else ())):
            notes.pop(tag, None)
        for tag in SIZE if IFD.Exif in notes else ():
            notes.get_ifd(IFD.Exif).pop(tag, None)
        return notes.tobytes() if len(notes) or image.info.get("exif") else b""
    except Exception:  # as above; of some notes it is only told when they are written
        return b""


def _dpi(image: ImageFile.ImageFile) -> tuple[float, float]:
    """Pixels in an inch; 0 where it is not said, or nothing that can be."""
    said = image.info.get("dpi", (0, 0))
    try:
        across, down = (float(it) for it in said)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0, 0
    return (across, down) if across > 0 and down > 0 else (0, 0)


def _layers(image: ImageFile.ImageFile, file: IO[bytes], channels: int) -> tuple[NDArray[Any], int, tuple[str, ...]]:
    """Values ``(H, W, 1 to 4)``, alpha last, what white is, and what was lost."""
    if _maxval(image) > 255:
        return _pixmap(image, file), _maxval(image), ()
    keyed = image.mode in DEEP and "transparency" in image.info  # a grey level that is transparent, which Pillow drops
    if image.mode in DEEP and not keyed:
        values = np.atleast_3d(np.array(image)).astype(DEEP[image.mode])
        return values, 1 if image.mode == "F" else 65535, ()
    cut = any("16" in str(tile.args) for tile in image.tile)
    if (cut or keyed) and image.format == "PNG":
        import imagecodecs

        start = file.seek(0, 1)
        file.seek(0)
        values = np.atleast_3d(imagecodecs.png_decode(file.read()))
        file.seek(start)
        return values, 65535, ()
    notes = ("of its 16 bits a channel 8 are read; save it as a 16-bit RGB TIFF or PNG",) if cut else ()
    return np.atleast_3d(np.array(_to_mode(image, channels))), 255, notes


def _to_mode(image: Image.Image, channels: int) -> Image.Image:
    """With 8 bits: L or RGB, with A where it has transparency and ``channels`` does not say otherwise."""
    wanted = {0: "L" if image.mode in GREY else "RGB", 1: "L", 3: "RGB"}[channels]
    if not channels and image.has_transparency_data:
        wanted = {"L": "LA", "RGB": "RGBA"}[wanted]
    image.load()
    if image.mode == wanted:
        return image
    try:
        seen = image.mode == "P" and isinstance(image.info.get("transparency"), bytes)  # Pillow warns of a shorter way
        return (image.convert("RGBA") if seen else image).convert(wanted)
    except ValueError:
        raise Refused(f"has colours of the kind {image.mode}, which are not read. Convert it to RGB.") from None


def _maxval(image: ImageFile.ImageFile) -> int:
    """The white that a pixmap names, where Pillow would scale its numbers to another one; 0 for other files."""
    arguments = image.tile[0].args if image.format == "PPM" and image.mode in ("I", "RGB") else None
    return int(arguments[1]) if isinstance(arguments, tuple) else 0


def _pixmap(image: ImageFile.ImageFile, file: IO[bytes]) -> NDArray[Any]:
    """The 16-bit numbers of a pixmap ``(H, W, 1 or 3)``, which stand there one after the other, binary or as text.

    Raises:
        ValueError: There are too few, or it is no text of such numbers.
    """
    file.seek(image.tile[0].offset)
    (width, height), channels = image.size, len(image.getbands())
    count = width * height * channels
    plain = image.tile[0].codec_name == "ppm_plain"
    numbers = _numbers(file.read(), _maxval(image)) if plain else np.frombuffer(file.read(2 * count), ">u2")
    if len(numbers) < count:
        raise ValueError(f"it is cut off: {len(numbers):,} of {count:,} numbers are there")
    return numbers[:count].astype(np.uint16).reshape(height, width, channels)


def _numbers(text: bytes, most: int) -> NDArray[np.int64]:
    """The numbers of a text, without its comments.

    Raises:
        ValueError: Something else stands there, or a number is too large.
    """
    without = COMMENT.sub(b" ", text)
    if without.translate(None, DIGITS):
        raise ValueError("something else than numbers stands among them")
    numbers: NDArray[np.int64] = np.fromstring(without.decode("ascii"), np.int64, sep=" ")
    if numbers.max(initial=0) > most:
        raise ValueError(f"a number is larger than the white that it names, {most}")
    return numbers
