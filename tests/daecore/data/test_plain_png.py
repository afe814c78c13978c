"""Plain PNG: what the short way reads is what Pillow reads; everything else goes the long way."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from daecore.data.image_values import Refused
from daecore.data.plain_png import decode_plain_png

PIXELS = np.random.default_rng(0).integers(0, 256, (13, 17, 3), np.uint8)


def png(image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_plain_files_are_read_as_pillow_reads_them(mode):
    image = Image.fromarray(PIXELS).convert(mode)
    found = decode_plain_png(png(image, dpi=(300, 300)))
    assert found is not None
    assert np.array_equal(found, np.atleast_3d(np.array(image)))


def with_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return png(Image.fromarray(PIXELS), exif=exif)


def with_text() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("what", "a word")
    return png(Image.fromarray(PIXELS), pnginfo=info)


def test_words_do_no_harm():
    assert np.array_equal(decode_plain_png(with_text()), PIXELS)


@pytest.mark.parametrize(
    "content",
    [
        png(Image.fromarray(PIXELS).convert("P")),
        png(Image.fromarray(PIXELS).convert("RGBA")),
        png(Image.fromarray(PIXELS).convert("LA")),
        png(Image.fromarray(PIXELS).convert("1")),
        png(Image.fromarray(PIXELS), transparency=(1, 2, 3)),
        png(Image.fromarray(PIXELS), icc_profile=b"a profile"),
        png(Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257)),
        with_exif(),
        b"",
        b"GIF89a",
    ],
    ids=["palette", "alpha", "grey alpha", "bits", "transparent", "profile", "16 bits", "exif", "empty", "gif"],
)
def test_what_is_more_than_plain_goes_the_long_way(content):
    assert decode_plain_png(content) is None


def test_damaged_files_go_the_long_way():
    """Cut anywhere, or with a byte changed: never wrong pixels, and never more than are read."""
    content = png(Image.fromarray(PIXELS))
    cut = [content[:place] for place in range(0, len(content) - 1, 7)]
    spoilt = [content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :] for place in range(len(content))]
    for damaged in cut + spoilt:
        try:
            found = decode_plain_png(damaged)
        except Refused as why:
            assert "megapixels" in str(why)  # noqa: PT017
            continue
        assert found is None or np.array_equal(found, PIXELS)
