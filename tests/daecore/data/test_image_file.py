"""Image files as people have them: each is read right by the one reader, in training, restored, and as it comes in."""

import io
import os
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from daecore_flows.cli import main
from daecore_flows.retraining.incoming import incoming_noise
from daecore_plugins.datasets.image_folder import ImageFolder, image_folder
from networks import network_that_changes_nothing
from PIL import Image

from daecore import DataError, Found, InputError, as_float, find_images, read_image
from daecore.data import tiff as tiff_reader
from daecore.data.image_encoding import encode_image
from daecore.data.image_file import ImageFile

SIDE = 32
WHITE = {"uint8": 255, "uint16": 65535, "uint32": 2**32 - 1}


def drawing(seed: int, channels: int, kind: type, white: int) -> np.ndarray:
    """Waves from 0 to white, ``(SIDE, SIDE)`` or ``(SIDE, SIDE, channels)``, that differ everywhere."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    slopes = np.random.default_rng(seed).uniform(2, 7, (channels, 2))
    waves = np.stack([0.5 + 0.5 * np.sin(down * y + right * x) for down, right in slopes], -1)
    values = (waves * white).astype(kind) if np.issubdtype(kind, np.floating) else np.rint(waves * white).astype(kind)
    return values[..., 0] if channels == 1 else values


def tif(**options: object) -> Callable[[Path, np.ndarray], None]:
    return lambda path, values: tifffile.imwrite(path, values, **options)


def pil(**options: object) -> Callable[[Path, np.ndarray], None]:
    return lambda path, values: Image.fromarray(values).save(path, **options)


def png16(path: Path, values: np.ndarray) -> None:
    """A PNG of 16 bits by the book (third edition, 5.3 and 9.2): no row is filtered."""
    colour_type = {2: 0, 3: 2}[values.ndim] if values.shape[-1] != 4 else 6
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">2I5B", values.shape[1], values.shape[0], 16, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    framed = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(framed))


def pixmap16(path: Path, values: np.ndarray) -> None:
    path.write_bytes(f"P6\n# by hand\n{SIDE} {SIDE}\n65535\n".encode() + values.astype(">u2").tobytes())


def negative(bits: int) -> Callable[[Path, np.ndarray], None]:
    return lambda path, values: tifffile.imwrite(path, 2**bits - 1 - values, photometric="miniswhite")


def planes(path: Path, values: np.ndarray) -> None:
    tifffile.imwrite(path, np.moveaxis(values, 2, 0), photometric="rgb", planarconfig="separate")


def turned(path: Path, values: np.ndarray) -> None:
    """Stored with its first row on the right: to be turned by 90 degrees before one looks (tag 274 is 6)."""
    tifffile.imwrite(path, np.rot90(values, 1), extratags=[(274, 3, 1, 6, True)])


def thumbnailed(path: Path, values: np.ndarray) -> None:
    """With a smaller copy on a second page, as scanners write it."""
    with tifffile.TiffWriter(path) as writer:
        writer.write(values)
        writer.write(values[::4, ::4].copy(), subfiletype=1)


def phone(path: Path, values: np.ndarray) -> None:
    """Two pictures in one JPEG, as phones write them (MPO)."""
    Image.fromarray(values).save(path, "MPO", save_all=True, append_images=[Image.fromarray(255 - values)], quality=95)


Case = tuple[Callable[[Path, np.ndarray], None], int, type, int]
FILES: dict[str, Case] = {  # who writes it; channels, type and white of what is drawn
    "grey.png": (pil(), 1, np.uint8, 255), "colour.bmp": (pil(), 3, np.uint8, 255),
    "grey16.png": (png16, 1, np.uint16, 65535), "rgb16.png": (png16, 3, np.uint16, 65535),
    "colour.ppm": (pil(), 3, np.uint8, 255), "grey.pgm": (pil(), 1, np.uint8, 255),
    "colour16.ppm": (pixmap16, 3, np.uint16, 65535), "colour.webp": (pil(lossless=True), 3, np.uint8, 255),
    "camera12.tif": (tif(), 1, np.uint16, 4095), "planes16.tif": (planes, 3, np.uint16, 65535),
    "negative8.tif": (negative(8), 1, np.uint8, 255), "negative16.tif": (negative(16), 1, np.uint16, 65535),
    "lzw16.tif": (tif(photometric="rgb", compression="lzw", predictor=True), 3, np.uint16, 65535),
    "tiles.tif": (tif(photometric="rgb", tile=(16, 16)), 3, np.uint8, 255),
    "motorola.tiff": (tif(byteorder=">", bigtiff=True), 1, np.uint16, 65535),
    "float64.tif": (tif(), 1, np.float64, 1), "half.tif": (tif(), 1, np.float16, 1),
    "uint32.tif": (tif(), 1, np.uint32, 255),
    "turned16.tif": (turned, 1, np.uint16, 65535), "thumbnailed.tif": (thumbnailed, 1, np.uint16, 65535),
}  # fmt: skip
LOSSY = ("phone.jpg", "photo.jfif", "photo.jpeg", "palette.gif", "palette.tif", "cmyk.tif", "fax.tif", "packed.pbm")


def written(folder: Path, name: str) -> np.ndarray:
    """The file, and the numbers that stand in it as ``(SIDE, SIDE, C)``; of the lossy ones as Pillow gives them."""
    folder.mkdir(parents=True, exist_ok=True)
    if name in FILES:
        write, channels, kind, white = FILES[name]
        values = drawing(len(name), channels, kind, white)
        write(folder / name, values)
        return np.atleast_3d(values)
    image = Image.fromarray(drawing(len(name), 3, np.uint8, 255))
    if name == "phone.jpg":
        phone(folder / name, np.array(image))
    elif name.startswith("photo"):
        image.save(folder / name, "JPEG", quality=95)
    else:
        how = {
            "palette": image.quantize(64),
            "cmyk": image.convert("CMYK"),
            "fax": image.convert("1"),
            "packed": image.convert("1"),
        }
        fax = {"compression": "group4"} if name == "fax.tif" else {}
        how[name.partition(".")[0]].save(folder / name, **fax)
    with Image.open(folder / name) as shown:
        return np.atleast_3d(np.array(shown.convert("L" if shown.mode == "1" else "RGB")))


def unit(values: np.ndarray) -> torch.Tensor:
    """Between 0 and 1, ``(C, H, W)``: whole numbers by what their type holds."""
    return torch.from_numpy(values.astype(np.float64) / WHITE.get(str(values.dtype), 1)).permute(2, 0, 1)


@pytest.fixture
def same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file of a network that gives every picture back."""
    monkeypatch.setenv("DAE_STORE", str(tmp_path / "store"))
    return network_that_changes_nothing(tmp_path / "same.safetensors")


@pytest.mark.parametrize("name", [*FILES, *LOSSY])
def test_a_file_is_read_as_it_was_drawn(tmp_path: Path, name: str) -> None:
    """To the last bit that float32 keeps; no level is lost, nor is one picture taken for another."""
    values = written(tmp_path, name)
    image = read_image(tmp_path / name)
    assert torch.allclose(as_float(image.pixels).double(), unit(values), rtol=2e-7, atol=1e-9)
    assert image.pixels.unique().numel() == len(np.unique(values.astype(np.float32)))


@pytest.mark.parametrize(
    "name", ["camera12.tif", "planes16.tif", "negative16.tif", "rgb16.png", "uint32.tif", "phone.jpg", "colour.webp"]
)
def test_training_sees_what_stands_in_the_file(tmp_path: Path, name: str) -> None:
    """In the file's own depth, also beside pictures of 8 bits."""
    for other in ("a.png", "b.png", "c.png"):
        Image.new("L", (SIDE, SIDE), 7).save(tmp_path / other)
    values = written(tmp_path / "test", name)
    options = ImageFolder(
        path=str(tmp_path), test_path=str(tmp_path / "test"), mode="whole", size=8, colour=values.shape[2] == 3
    )
    splits = image_folder(options, cache=tmp_path)
    assert torch.allclose(as_float(splits.test[0].data)[0].double(), unit(values), rtol=2e-7, atol=1e-9)
    assert splits.train.data.unique().tolist() == [7]


def test_a_set_of_both_depths_is_one_of_floats(tmp_path: Path) -> None:
    """8 and 16 bits side by side: both between 0 and 1, in one tensor."""
    for number in range(4):
        Image.new("L", (SIDE, SIDE), 51).save(tmp_path / f"{number}.png")
        png16(tmp_path / f"{number}deep.png", np.full((SIDE, SIDE), 13107, np.uint16))
    train = image_folder(ImageFolder(path=str(tmp_path), size=8), cache=tmp_path).train.data
    assert train.dtype == torch.float32
    assert torch.allclose(train, torch.tensor(0.2))


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("float64.tif", "half.tif")])
def test_a_network_that_changes_nothing_gives_the_file_s_numbers_back(same: str, tmp_path: Path, name: str) -> None:
    """In the file's own format and depth, as another reader reads it."""
    values, target = written(tmp_path / "in", name), tmp_path / "out" / name
    assert main(["restore", same, str(tmp_path / "in" / name), str(target)]) == 0
    if target.suffix in (".tif", ".tiff"):
        restored = tifffile.imread(target)
    elif name == "colour16.ppm":
        restored = np.frombuffer(target.read_bytes()[-6 * SIDE**2 :], ">u2").reshape(SIDE, SIDE, 3)
    else:
        import imagecodecs

        restored = (
            imagecodecs.png_decode(target.read_bytes()) if target.suffix == ".png" else np.array(Image.open(target))
        )
    assert restored.dtype.newbyteorder("=") == values.dtype
    assert np.array_equal(np.atleast_3d(restored), values)


def test_depth_transparency_and_profile_of_a_16_bit_png_are_kept(tmp_path: Path) -> None:
    """Four channels of 16 bits, which Pillow neither reads nor writes, through the reader twice."""
    png16(tmp_path / "a.png", drawing(1, 4, np.uint16, 65535))
    first = read_image(tmp_path / "a.png")
    with_profile = ImageFile(first.pixels, first.alpha, first.kind, profile=b"a profile")
    (tmp_path / "b.png").write_bytes(encode_image(with_profile, ".png"))
    second = read_image(tmp_path / "b.png")
    assert (second.kind, second.profile) == ("uint16", b"a profile")
    assert torch.equal(second.pixels, first.pixels)
    assert np.array_equal(second.alpha, first.alpha)
    assert np.array_equal(np.rint(first.alpha * 65535), drawing(1, 4, np.uint16, 65535)[..., 3])


def test_grey_of_colour_is_the_same_for_all_formats_and_depths(tmp_path: Path) -> None:
    """Pillow's grey of 8 bits to the bit, also from TIFF; that of 16 bits within half a level of it."""
    values = drawing(3, 3, np.uint8, 255)
    Image.fromarray(values).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    png16(tmp_path / "deep.png", values.astype(np.uint16) * 257)
    grey = torch.from_numpy(np.array(Image.fromarray(values).convert("L")))[None]
    assert torch.equal(read_image(tmp_path / "a.png", 1).pixels, grey)
    assert torch.equal(read_image(tmp_path / "a.tif", 1).pixels, grey)
    assert (read_image(tmp_path / "deep.png", 1).pixels * 255 - grey).abs().max() <= 0.502


def test_what_is_nearly_lost_is_told(tmp_path: Path) -> None:
    """Few levels of a deep file, values a little beyond the range, a channel without a meaning; else nothing."""
    for name in ("grey16.png", "negative16.tif", "phone.jpg", "float64.tif"):
        written(tmp_path, name)
        assert read_image(tmp_path / name).notes == ()
    written(tmp_path, "camera12.tif")
    (note,) = read_image(tmp_path / "camera12.tif").notes
    assert "its values lie from 0 to 4095, and 1 is 65,535: that is 16 of 256 grey levels" in note
    values = drawing(6, 1, np.float32, 1)
    values[0, 0], values[0, 1] = -1e-3, 1.05
    tifffile.imwrite(tmp_path / "resampled.tif", values)
    image = read_image(tmp_path / "resampled.tif")
    assert image.notes == ("2 value(s) lay beyond 0 to 1, from -0.001 to 1.05, and were clipped",)
    assert image.pixels.aminmax() == (0, 1)
    tifffile.imwrite(tmp_path / "exact.tif", np.array([[2**32 - 1, 2**31 + 1]], np.uint32))
    assert "24 bits" in read_image(tmp_path / "exact.tif").notes[0]


def empty_page(content: bytes) -> bytes:
    """A little-endian TIFF with a second page in which nothing stands."""
    first = int.from_bytes(content[4:8], "little")
    link = first + 2 + 12 * int.from_bytes(content[first : first + 2], "little")
    return content[:link] + len(content).to_bytes(4, "little") + content[link + 4 :] + bytes(6)


def tif_bytes(values: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def moving(format: str) -> bytes:
    frames, buffer = [Image.new("L", (SIDE, SIDE), value) for value in (10, 200)], io.BytesIO()
    frames[0].save(buffer, format, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(drawing(1, 3, np.uint8, 255)).save(buffer, "JPEG")
    return buffer.getvalue()


GREY = drawing(1, 1, np.uint16, 65535)
FIVE = np.stack([GREY] * 5)
DAMAGED = {
    "truncated.jpg": lambda: jpeg()[:500], "truncated.tif": lambda: tif_bytes(GREY)[:-100],
    "cut.tif": lambda: tif_bytes(GREY, compression="lzw")[:700], "page.tif": lambda: empty_page(tif_bytes(GREY)),
    "head.png": lambda: b"\x89PNG\r\n\x1a\n" + bytes(30), "noise.tif": lambda: b"II*\0" + bytes(range(200)),
}  # fmt: skip
INTACT = {
    "empty.png": (lambda: b"", "is empty"),
    "text.png": (lambda: b"no picture\n", "no picture of a kind that is read"),
    "._ghost.png": (lambda: b"\0\5\x16\7" + bytes(60), "no picture of a kind that is read"),
    "drawing.png": (
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
        "no picture of a kind that is read",
    ),
    "phone.jpg": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0" + bytes(40), "no picture of a kind that is read"),
    "stack.tif": (lambda: tif_bytes(FIVE, photometric="minisblack"), "has 5 pictures (page 5)"),
    "volume.tif": (lambda: tif_bytes(FIVE, volumetric=True, photometric="minisblack"), "has 5 pictures (depth 5)"),
    "imagej.tif": (
        lambda: tif_bytes(np.zeros((2, 3, 4, 9, 9), np.uint8), imagej=True),
        "has 24 pictures (time 2, depth 3, channel 4)",
    ),
    "one.tif": (lambda: tif_bytes(FIVE, photometric="minisblack", truncate=True), "has 5 pictures (page 5)"),
    "moving.gif": (lambda: moving("GIF"), "has 2 pages"),
    "moving.webp": (lambda: moving("WEBP"), "has 2 pages"),
    "moving.png": (lambda: moving("PNG"), "has 2 pages"),
    "channels.tif": (
        lambda: tif_bytes(np.zeros((9, 9, 2), np.uint8), photometric="minisblack", planarconfig="contig"),
        "has 2 channels",
    ),
    "complex.tif": (lambda: tif_bytes(np.zeros((9, 9), np.complex64)), "complex64"),
    "counts.tif": (lambda: tif_bytes(GREY.astype(np.float32)), "expected 0 to 1"),
    "signed.tif": (lambda: tif_bytes(GREY.astype(np.int16)), "expected 0 to 32767"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, name: str) -> None:
    """Whatever the decoder raises."""
    (tmp_path / name).write_bytes(DAMAGED[name]())
    with pytest.raises(
        DataError, match=rf"^The image \S+{name} cannot be read: .{{4,130}}\. Repair it, or take it out\.$"
    ):
        read_image(tmp_path / name)


@pytest.mark.parametrize("name", INTACT)
def test_an_intact_file_that_is_not_read_is_never_called_broken(tmp_path: Path, name: str) -> None:
    """A sentence says what it is; the content decides, and no other program is started for it."""
    content, said = INTACT[name]
    (tmp_path / name).write_bytes(content())
    with pytest.raises(DataError, match=re.escape(said)) as refusal:
        read_image(tmp_path / name)
    assert "Repair" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_content_says_what_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(jpeg())
    assert read_image(tmp_path / "photo.png").pixels.shape == (3, SIDE, SIDE)


@pytest.mark.parametrize("name", ["grey.png", "camera12.tif", "cmyk.tif"])
def test_the_limit_of_size_is_told_and_can_be_lifted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    written(tmp_path, name)
    monkeypatch.setenv("DAE_MAX_MEGAPIXELS", "0.001")
    with pytest.raises(DataError, match=r"has 0\.0 megapixels, and up to 0\.001 are read.* set DAE_MAX_MEGAPIXELS=1\."):
        read_image(tmp_path / name)
    monkeypatch.setenv("DAE_MAX_MEGAPIXELS", "1")
    assert read_image(tmp_path / name).pixels.shape[1:] == (SIDE, SIDE)
    monkeypatch.setenv("DAE_MAX_MEGAPIXELS", "much")
    with pytest.raises(InputError, match="it says 'much'"):
        read_image(tmp_path / name)


def test_a_scan_beyond_the_limit_is_refused_before_it_is_unfolded(tmp_path: Path) -> None:
    """182 megapixels in a header: nothing else is looked at."""
    rows, header = zlib.compress(bytes(10)), struct.pack(">2I5B", 13500, 13500, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    framed = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    ]
    (tmp_path / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(framed))
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(DataError, match=r"has 182\.2 megapixels, and up to 180 are read.* set DAE_MAX_MEGAPIXELS=183"):
        read_image(tmp_path / "scan.png")
    assert limit == Image.MAX_IMAGE_PIXELS


def test_one_bad_picture_does_not_stop_the_watch_over_noise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is warned of, and so is one too small; deep pictures, webp and colour are looked at like others."""
    for number in range(4):
        for name in ("rgb16.png", "camera12.tif", "colour.webp"):
            written(tmp_path / str(number), name)
    (tmp_path / "bad.png").write_bytes(b"")
    Image.new("L", (3, 9)).save(tmp_path / "small.png")
    found = incoming_noise(str(tmp_path), 1)
    assert found is not None
    assert found.images == 12
    assert "bad.png is empty" in caplog.text
    assert "small.png has fewer than 4 pixels" in caplog.text


def test_formats_that_are_only_read_are_restored_as_png(
    same: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And every file of a folder that cannot be restored is told, in a folder that counts."""
    written(tmp_path / "in", "palette.gif")
    written(tmp_path / "in", "camera12.tif")
    for name in ("truncated.jpg", "page.tif"):
        (tmp_path / "in" / name).write_bytes(DAMAGED[name]())
    (tmp_path / "in" / ".thumb.png").write_bytes(b"")
    (tmp_path / "in" / "notes.txt").write_bytes(b"")
    assert main(["restore", same, str(tmp_path / "in"), str(tmp_path / "out")]) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["camera12.tif", "palette.gif.png"]
    said = capsys.readouterr().err
    assert said.count("was left out") == 2
    assert "has 4 pictures; left out 2: 1 with a dot in front, 1 no picture by its name (.txt); 2 restored." in said
    assert "camera12.tif: its values lie from 0 to 4095" in said


EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"  # tag 274 is 6


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize(
    "spoilt", [b"Exif\0\0no notes", EXIF[:10], EXIF.replace(b"MM", b"XX")], ids=["text", "cut", "order"]
)
def test_a_spoilt_note_of_orientation_spoils_no_picture(tmp_path: Path, suffix: str, spoilt: bytes) -> None:
    """It is read as it lies there, and that is told."""
    values = drawing(1, 3, np.uint8, 255)[:20]
    for name, note in (("plain", b""), ("spoilt", spoilt), ("turned", EXIF)):
        Image.fromarray(values).save(tmp_path / f"{name}{suffix}", exif=note)
    plain, found, turned = (read_image(tmp_path / f"{name}{suffix}") for name in ("plain", "spoilt", "turned"))
    assert plain.notes == turned.notes == ()
    assert found.notes == ("its camera's notes (EXIF) are damaged, so it is not turned; its pixels are intact",)
    assert torch.equal(found.pixels, plain.pixels)
    assert torch.equal(turned.pixels, plain.pixels.rot90(-1, (1, 2)))


def test_a_decoder_s_long_complaint_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its length, as every text that a message repeats."""

    def complaining(*_: object) -> None:
        raise ValueError("a\nb " * 100)

    monkeypatch.setattr("daecore.data.picture_file.decode_raster", complaining)
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(DataError, match=r"cannot be read: (a b ){30} ?\.\.\. \(399 characters\)\. Repair it"):
        read_image(tmp_path / "a.png")


def test_a_picture_that_is_taken_away_does_not_stop_the_watch_over_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Between the search and the look at its time: it is warned of, and left out."""
    for number in range(11):
        written(tmp_path / str(number), "grey.png")

    def searched(folder: Path) -> Found:
        found = find_images(folder)
        found.files[3].unlink()
        return found

    monkeypatch.setattr("daecore_flows.retraining.incoming.find_images", searched)
    estimate = incoming_noise(str(tmp_path), 1)
    assert estimate is not None
    assert estimate.images == 10
    assert "a picture was left out: The image" in caplog.text
    assert "cannot be opened: No such file" in caplog.text


def patched(path: Path, tag: int, number: int, value: int) -> Path:
    """A TIFF file with one number of a tag of its first page replaced."""
    with tifffile.TiffFile(path) as tiff:
        found = tiff.pages[0].tags[tag]
        width = {3: 2, 4: 4}[int(found.dtype)]
        start = found.valueoffset + number * width
    content = bytearray(path.read_bytes())
    content[start : start + width] = value.to_bytes(width, "little")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("tag", [273, 279], ids=["it lies nowhere", "it has no bytes"])
def test_a_tiff_that_was_not_written_to_its_end_is_damaged(tmp_path: Path, tag: int) -> None:
    """A strip that is missing would be read as a black band, without a word."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.full((64, 48), 200, np.uint8), rowsperstrip=8, byteorder="<", metadata=None)
    assert read_image(path).pixels.min() == 200
    with pytest.raises(DataError, match="its part 3 of 8 is missing"):
        read_image(patched(path, tag, 2, 0))


def test_a_tiff_whose_pages_go_round_in_a_ring_is_damaged(tmp_path: Path) -> None:
    """The next page after the first is the first: to count them has no end."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8), byteorder="<", metadata=None)
    with tifffile.TiffFile(path) as tiff:
        first = tiff.pages[0].offset
        after = first + 2 + 12 * len(tiff.pages[0].tags)
    content = bytearray(path.read_bytes())
    assert content[after : after + 4] == bytes(4)
    content[after : after + 4] = first.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(DataError, match="page 2 is one that came before: the list of its pages is a ring"):
        read_image(path)


def test_a_stack_of_many_thousands_is_refused_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    monkeypatch.setattr(tiff_reader, "MOST_PAGES", 100)
    with tifffile.TiffWriter(path) as tiff:
        for _ in range(150):
            tiff.write(np.zeros((4, 4), np.uint8), metadata=None, contiguous=False)
    with pytest.raises(DataError, match="has more than 100 pages"):
        read_image(path)


@pytest.mark.parametrize(("scale", "notes"), [(257, 0), (256, 0), (1, 1)])
def test_a_palette_of_8_bits_is_taken_for_one_and_told(tmp_path: Path, scale: int, notes: int) -> None:
    """Old writers left the low bits out; read as 16 bits the whole picture is black."""
    path, index = tmp_path / "a.tif", np.arange(256, dtype=np.uint8).reshape(16, 16)
    colours = (np.stack([np.arange(256), np.arange(256)[::-1], np.full(256, 7)]) * scale).astype(np.uint16)
    tifffile.imwrite(path, index, photometric="palette", colormap=colours, metadata=None)
    found = read_image(path)
    assert torch.equal(found.pixels[0], torch.from_numpy(index))
    assert torch.equal(found.pixels[1], 255 - torch.from_numpy(index))
    assert len(found.notes) == notes


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """Who opens a pipe waits until somebody writes into it."""
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", tmp_path):
        with pytest.raises(DataError, match="is no file but a folder, a pipe or a device"):
            read_image(path)
    with pytest.raises(DataError, match="cannot be opened"):
        read_image(Path("a\0b.png"))


def white(side: int) -> bytes:
    """A PNG of one colour, a thousandth of what it unfolds into."""
    buffer = io.BytesIO()
    Image.new("L", (side, side), 255).save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()


def test_what_is_large_for_its_file_is_refused_and_can_be_lifted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """81 megapixels of 80 KB; 49 of as little, which unfold into less than 60 MB, are read."""
    (tmp_path / "large.png").write_bytes(white(9000))
    (tmp_path / "small.png").write_bytes(white(7000))
    with pytest.raises(DataError, match=r"has 81\.0 megapixels in [\d,]+ bytes.* set DAE_MAX_MEGAPIXELS=82"):
        read_image(tmp_path / "large.png")
    assert read_image(tmp_path / "small.png").pixels.shape == (1, 7000, 7000)
    monkeypatch.setenv("DAE_MAX_MEGAPIXELS", "82")
    assert read_image(tmp_path / "large.png").pixels.shape == (1, 9000, 9000)


def test_runs_of_a_large_bmp_are_refused(tmp_path: Path) -> None:
    """Pillow unfolds them value by value in Python: 16 megapixels took seconds."""
    header = struct.pack("<IiiHHIIiiII", 40, 4000, 4000, 1, 8, 1, 0, 1, 1, 0, 0)
    content = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + header + bytes(1024) + b"\x04\x01\0\0" * 40_000
    (tmp_path / "runs.bmp").write_bytes(content)
    with pytest.raises(DataError, match=r"compressed runs and 16\.0 megapixels, of which up to 4 are read\. Save it"):
        read_image(tmp_path / "runs.bmp")
