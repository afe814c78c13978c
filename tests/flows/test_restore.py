"""`dae restore`: which file becomes which, what of a picture is kept, and what is refused."""

import io
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch
from daecore_flows.cli import main, picture_progress
from daecore_flows.stages.publish import save_network
from daecore_flows.store import device_lock
from daecore_flows.store.store import Store
from networks import network_that_changes_nothing
from PIL import Image

from daecore.data.image_encoding import encode_image
from daecore.data.image_file import ImageFile
from daecore.data.picture_file import read_image
from daecore.device import Device
from daecore.errors import DataError, InputError, NonFiniteError
from daecore.model import tiling
from daecore.model.autoencoder import Autoencoder, Shapes, initialise
from daecore.plugin.spec import Spec, spec
from daecore.stats.intervals import Interval
from daecore.trained.error_bars_file import NAME, ErrorBarsHeader, save_error_bars
from daecore.trained.model_file import load_model
from daecore.training.checkpoint import tensors_digest
from daecore.uncertainty.error_bars import ErrorBars
from daecore.uncertainty.error_network import ErrorNetwork
from daecore.uncertainty.estimator import LearnedEstimator
from daecore.uncertainty.report import ErrorBarsReport
from daecore.uncertainty.thresholds import Thresholds


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Store(tmp_path, tmp_path).environment():
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DAE_STORE", str(tmp_path / "store"))


def saved(path: Path, architecture: Spec, network: Autoencoder, shapes: Shapes) -> str:
    """A model file as a training publishes it."""
    save_network(path, network, architecture, shapes)
    return str(path)


@pytest.fixture
def unet(tmp_path: Path) -> str:
    return network_that_changes_nothing(tmp_path / "unet.safetensors")


@pytest.fixture
def upscaler(tmp_path: Path) -> str:
    architecture, shapes = spec("architecture", "upscaler"), Shapes((1, 28, 28), (1, 14, 14))
    return saved(tmp_path / "upscaler.safetensors", architecture, initialise(architecture, shapes, 0), shapes)


@pytest.fixture
def sampler(tmp_path: Path) -> str:
    architecture = spec("architecture", {"unet": {"widths": [8, 8], "sampler": True}})
    shapes = Shapes((1, 16, 16), (1, 16, 16))
    network = initialise(architecture, shapes, 0)
    with torch.no_grad():
        network.encoder.blocks[0].first.weight.mul_(8)  # so that samples differ visibly
    return saved(tmp_path / "sampler.safetensors", architecture, network, shapes)


def pixels(*shape: int, kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)


def drawn(path: Path, *shape: int, kind: type = np.uint8, **options: object) -> np.ndarray:
    """A picture file with random pixels; its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = pixels(*shape, kind=kind)
    Image.fromarray(values).save(path, **options)
    return values


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()  # what was said before
    assert main(["restore", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    return " ".join(said.err.split())


def test_a_file_is_restored_into_a_file(unet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A network that changes nothing gives the very pixels back; a line tells size, tiles and seconds."""
    values = drawn(tmp_path / "in.png", 37, 50, 3)
    assert main(["restore", unet, str(tmp_path / "in.png"), str(tmp_path / "deep" / "out.png")]) == 0
    assert np.array_equal(np.array(Image.open(tmp_path / "deep" / "out.png")), values)
    said = capsys.readouterr().out
    assert "out.png  50x37  1 tile  " in said
    assert main(["restore", unet, str(tmp_path / "in.png"), str(tmp_path / "tiles.png"), "--tile", "32"]) == 0
    assert "4 tiles" in capsys.readouterr().out
    assert np.array_equal(np.array(Image.open(tmp_path / "tiles.png")), values)


@pytest.mark.parametrize(
    ("suffix", "shape", "kind"),
    [
        (".png", (20, 20), np.uint8), (".png", (20, 20, 2), np.uint8), (".png", (20, 20, 4), np.uint8),
        (".tif", (20, 20, 4), np.uint8), (".bmp", (20, 20, 3), np.uint8),
        (".png", (20, 20), np.uint16), (".tiff", (20, 20), np.uint16),
    ],
)  # fmt: skip
def test_depth_channels_and_transparency_are_kept(
    unet: str, tmp_path: Path, suffix: str, shape: tuple[int, ...], kind: type
) -> None:
    """Grey stays grey, 16 bit stay 16 bit, and alpha comes back as it was."""
    values = drawn(tmp_path / f"in{suffix}", *shape, kind=kind)
    assert main(["restore", unet, str(tmp_path / f"in{suffix}"), str(tmp_path / f"out{suffix}")]) == 0
    restored = np.array(Image.open(tmp_path / f"out{suffix}"))
    assert restored.dtype == values.dtype
    assert np.array_equal(restored, values)


def test_a_network_that_enlarges_enlarges_the_picture_and_its_transparency(
    upscaler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twice the size along each side."""
    drawn(tmp_path / "in.png", 20, 31, 4)
    assert main(["restore", upscaler, str(tmp_path / "in.png"), str(tmp_path / "out.png")]) == 0
    assert "31x20 -> 62x40" in capsys.readouterr().out
    with Image.open(tmp_path / "out.png") as image:
        assert (image.size, image.mode) == ((62, 40), "RGBA")


def test_a_folder_is_restored_whole_but_for_what_is_broken(
    unet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names and subfolders stay; the broken file is told, and the exit status is 1 at the end."""
    source, target = tmp_path / "in", tmp_path / "in" / "restored"
    drawn(source / "a.png", 20, 20)
    drawn(source / "below" / "c.jpg", 20, 20, 3)
    (source / "b.png").write_bytes(b"no picture")
    (source / "notes.txt").write_text("no picture either")
    assert main(["restore", unet, str(source), str(target)]) == 1
    said = capsys.readouterr()
    assert "b.png was left out. The image" in said.err
    assert "1 of 3 pictures could not be restored" in said.err
    files = [path.relative_to(target).as_posix() for path in sorted(target.rglob("*")) if path.is_file()]
    assert files == ["a.png", "below/c.jpg"]
    assert main(["restore", unet, str(source), str(target), "--force"]) == 1  # what it wrote is no input


def test_a_large_picture_shows_how_far_it_is(
    unet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal lines on stderr, every few seconds; of one that is done sooner none."""
    drawn(tmp_path / "in.png", 70, 70)
    arguments = ["restore", unet, str(tmp_path / "in.png")]
    monkeypatch.setattr(tiling, "PIXELS", 4 * 32 * 32)  # so many pixels go through the network at once
    assert main([*arguments, str(tmp_path / "quick.png"), "--tile", "32"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(picture_progress, "EVERY_SECONDS", 0.0)
    assert main([*arguments, str(tmp_path / "slow.png"), "--tile", "32"]) == 0
    said = capsys.readouterr()
    assert re.search(r"^in.png: part 4 of 9, about \d+ s of \d+ left$", said.err, re.MULTILINE)
    assert "part 9 of" not in said.err  # that it is done the line on stdout says
    assert "9 tiles" in said.out


def test_a_folder_shows_how_far_it_is(
    unet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also past a picture that cannot be read; of the last one the lines on stdout say that all is done."""
    (tmp_path / "in").mkdir()
    for name in ("a.png", "c.png"):
        drawn(tmp_path / "in" / name, 20, 20)
    (tmp_path / "in" / "b.png").write_bytes(b"damaged")
    monkeypatch.setattr(picture_progress, "EVERY_SECONDS", 0.0)
    assert main(["restore", unet, str(tmp_path / "in"), str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert re.findall(r"^(\d of \d) pictures, about", said, re.MULTILINE) == ["1 of 3", "2 of 3"]


def test_it_waits_for_a_core_as_all_do_and_says_so(
    unet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A picture restored beside a training would slow both down, many times."""
    monkeypatch.setenv("DAE_LOCKS", str(tmp_path))
    drawn(tmp_path / "in.png", 20, 20)
    everything = Device(kind="cpu", precision="float32", threads=device_lock.cores())
    with ThreadPoolExecutor(1) as others, ExitStack() as busy:
        busy.enter_context(device_lock.hold(everything))
        done = others.submit(main, ["restore", unet, str(tmp_path / "in.png"), str(tmp_path / "out.png")])
        limit = time.monotonic() + 20
        while "waiting for a core of this machine" not in caplog.text and time.monotonic() < limit:
            assert not done.done(), done.result()
            time.sleep(0.02)
        assert not (tmp_path / "out.png").exists()
        busy.close()
        assert done.result(20) == 0
    assert (tmp_path / "out.png").exists()
    assert "waiting for a core of this machine" in caplog.text


def test_what_is_there_is_not_overwritten(unet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An output only with --force, an input never, under whatever name."""
    drawn(tmp_path / "in.png", 20, 20)
    (tmp_path / "out.png").write_bytes(b"mine")
    assert "--force" in refusal(capsys, unet, tmp_path / "in.png", tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == b"mine"
    assert main(["restore", unet, str(tmp_path / "in.png"), str(tmp_path / "out.png"), "--force"]) == 0
    before = (tmp_path / "in.png").read_bytes()
    (tmp_path / "link.png").symlink_to(tmp_path / "in.png")
    for target in ("in.png", "link.png", "."):
        said = refusal(capsys, unet, tmp_path / "in.png", tmp_path / target, "--force")
        assert "never overwritten" in said
    assert "never overwritten" in refusal(capsys, unet, tmp_path, tmp_path, "--force")
    assert (tmp_path / "in.png").read_bytes() == before


def test_wrong_input_is_refused_in_one_paragraph(
    unet: str, upscaler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is written."""
    drawn(tmp_path / "in.png", 20, 20)
    drawn(tmp_path / "folder" / "in.png", 20, 20)
    (tmp_path / "empty").mkdir()
    image, out = tmp_path / "in.png", tmp_path / "out.png"
    assert "no picture and no folder" in refusal(capsys, unet, tmp_path / "nothing.png", out)
    assert "There is no picture in" in refusal(capsys, unet, tmp_path / "empty", out)
    assert "its suffix may be .png" in refusal(capsys, unet, image, tmp_path / "out.gif")
    assert "is a file" in refusal(capsys, unet, tmp_path / "folder", image)
    assert "There is no model file" in refusal(capsys, "nowhere.safetensors", image, out)
    assert "There is no store in" in refusal(capsys, "some-run", image, out)
    assert "takes tiles of 14x14 pixels only" in refusal(capsys, upscaler, image, out, "--tile", 64)
    (tmp_path / "other.safetensors").write_bytes(b"no weights")
    assert "cannot be read as safetensors" in refusal(capsys, tmp_path / "other.safetensors", image, out)
    assert not out.exists()


def test_a_run_that_is_not_in_the_store_is_told(
    tmp_path: Path, empty_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the command that lists them; a registered model, too."""
    from daecore_flows.store import tracking

    store = Store(tmp_path / "store", tmp_path)
    store.enter()
    shutil.copy(empty_database, store.database)
    tracking.prepare(store)
    drawn(tmp_path / "in.png", 20, 20)
    assert "There is no run 'abc'" in refusal(capsys, "abc", tmp_path / "in.png", tmp_path / "out.png")
    said = refusal(capsys, "models:/abc@newest", tmp_path / "in.png", tmp_path / "out.png")
    assert "There is no registered model" in said


def test_a_format_that_cannot_hold_the_picture_is_told(
    unet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JPEG knows no transparency; nothing is left of the attempt."""
    drawn(tmp_path / "in.png", 20, 20, 4)
    assert main(["restore", unet, str(tmp_path / "in.png"), str(tmp_path / "out.jpg")]) == 1
    assert "A .jpg file cannot hold this picture" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["in.png", "unet.safetensors"]


def test_a_camera_s_orientation_is_followed(tmp_path: Path) -> None:
    """The pixels are upright, and the written file does not ask to be turned again."""
    image = Image.fromarray(pixels(10, 20, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to be upright
    image.save(tmp_path / "in.png", exif=exif)
    picture = read_image(tmp_path / "in.png")
    assert picture.pixels.shape == (3, 20, 10)
    with Image.open(io.BytesIO(encode_image(picture, ".png"))) as written:
        assert written.size == (10, 20)
        assert dict(written.getexif()) == {}


def test_palettes_become_colour_and_floats_stay_floats(tmp_path: Path) -> None:
    """A palette with a transparent colour has alpha; a 32-bit TIFF keeps its precision."""
    Image.fromarray(pixels(9, 9, 3)).quantize(8).save(tmp_path / "palette.png", transparency=0)
    palette = read_image(tmp_path / "palette.png")
    assert palette.pixels.shape == (3, 9, 9)
    assert palette.alpha is not None
    values = np.random.default_rng(0).random((9, 9), np.float32)
    Image.fromarray(values).save(tmp_path / "float.tif")
    encoded = encode_image(read_image(tmp_path / "float.tif"), ".tif")
    assert np.array_equal(np.array(Image.open(io.BytesIO(encoded))), values)


def test_files_that_are_no_single_sound_picture_are_refused(tmp_path: Path) -> None:
    """Several pages, values out of range, holes."""
    page = Image.fromarray(pixels(9, 9))
    page.save(tmp_path / "pages.tif", save_all=True, append_images=[page])
    with pytest.raises(DataError, match="2 pictures"):
        read_image(tmp_path / "pages.tif")
    Image.fromarray(np.full((9, 9), 2, np.float32)).save(tmp_path / "range.tif")
    with pytest.raises(DataError, match="values from 2 to 2, expected 0 to 1"):
        read_image(tmp_path / "range.tif")
    Image.fromarray(np.full((9, 9), np.nan, np.float32)).save(tmp_path / "nan.tif")
    with pytest.raises(NonFiniteError, match=r"81 value\(s\)"):
        read_image(tmp_path / "nan.tif")
    with pytest.raises(InputError, match="cannot hold"):
        encode_image(ImageFile(torch.rand(1, 9, 9), kind="float32"), ".png")


@pytest.mark.parametrize(("suffix", "made"), [(".gif", ".png"), (".pbm", ".png"), (".pfm", ".tif"), (".apng", ".png")])
def test_two_pictures_that_would_become_one_are_refused(
    unet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str, made: str
) -> None:
    """Both are named, and nothing is written, the other pictures neither."""
    for name in ("0.png", f"a{suffix}", f"a{suffix}{made}"):
        drawn(tmp_path / "in" / name, 8, 8, format="PNG")
    said = refusal(capsys, unet, tmp_path / "in", tmp_path / "out", "--force")
    both = f"{tmp_path / 'in' / f'a{suffix}'} and {tmp_path / 'in' / f'a{suffix}{made}'} would both become"
    assert both.replace(" ", "") in said.replace(" ", "")
    assert not (tmp_path / "out").exists()


def test_samples_are_written_beside_the_restored_picture(sampler: str, tmp_path: Path) -> None:
    """With their deviation; the restored picture is what it is without them, and the seed decides the samples."""
    drawn(tmp_path / "a.png", 20, 24)
    out = tmp_path / "out"
    assert (
        main(["restore", sampler, str(tmp_path / "a.png"), str(out / "a.png"), "--samples", "3", "--steps", "2"]) == 0
    )
    names = ["a-deviation.png", "a-sample-1.png", "a-sample-2.png", "a-sample-3.png", "a.png"]
    assert sorted(path.name for path in out.iterdir()) == names
    samples = np.stack([np.asarray(Image.open(out / f"a-sample-{number}.png")) for number in (1, 2, 3)])
    assert samples.shape == (3, 20, 24)
    deviation = np.asarray(Image.open(out / "a-deviation.png"))
    assert np.abs(samples.std(0, ddof=1) - deviation).max() < 1.5
    assert deviation.max() > 5
    again = tmp_path / "again"
    said = ["restore", sampler, str(tmp_path / "a.png"), str(again / "a.png")]
    assert main([*said, "--samples", "1", "--steps", "2"]) == 0
    assert not (again / "a-deviation.png").exists()  # one has none
    assert (again / "a-sample-1.png").read_bytes() == (out / "a-sample-1.png").read_bytes()
    assert (again / "a.png").read_bytes() == (out / "a.png").read_bytes()
    assert main([*said, "--samples", "1", "--steps", "2", "--seed", "1", "--force"]) == 0
    assert (again / "a-sample-1.png").read_bytes() != (out / "a-sample-1.png").read_bytes()


def test_samples_of_a_network_that_only_restores_are_refused(
    unet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one paragraph with what to train, before anything is written."""
    drawn(tmp_path / "a.png", 20, 24)
    said = refusal(capsys, unet, tmp_path / "a.png", tmp_path / "b.png", "--samples", "2")
    assert "restores, but cannot draw samples. Train one that can" in said
    assert not (tmp_path / "b.png").exists()


def test_a_sample_never_overwrites_a_file(sampler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither one that is there, without --force, nor another picture of the folder."""
    drawn(tmp_path / "a.png", 20, 24)
    (tmp_path / "b-sample-2.png").write_bytes(b"mine")
    said = refusal(capsys, sampler, tmp_path / "a.png", tmp_path / "b.png", "--samples", "2")
    assert "b-sample-2.png would be overwritten" in said
    assert (tmp_path / "b-sample-2.png").read_bytes() == b"mine"
    for name in ("a.png", "a-sample-1.png"):
        drawn(tmp_path / "folder" / name, 20, 24)
    said = refusal(capsys, sampler, tmp_path / "folder", tmp_path / "out", "--samples", "2")
    assert "would both become" in said
    assert not (tmp_path / "out").exists()


@pytest.fixture
def bounded(unet: str, tmp_path: Path) -> str:
    """The U-Net with error bars beside its weights: a multiple of one deviation everywhere."""
    held = Interval(mean=0.95, low=0.9, high=1, n=10)
    report = ErrorBarsReport(
        method="learned", level=0.9, calibrated_on=40, shape=(1, 16, 16), pictures=10, uncertain=0.3, coverage=held,
        certain_coverage=held, quintiles=(), width=0.2, constant_width=0.3,
        whole_width=0.1, whole_constant_width=0.2, whole_shorter=None, shorter=held, db_level=0.95, db_held=held,
        promised_db=20, restored_db=22,
    )  # fmt: skip
    weights = load_model(Path(unet)).state_dict()
    header = ErrorBarsHeader(
        weights_sha256=tensors_digest(weights), dataset="digits", corruptions="erasure(p=0.5)", sigma=0, channels=1,
        decibel_shift=-1, constant=0.4, report=report,
    )  # fmt: skip
    thresholds = Thresholds(torch.linspace(0, 1, 16).expand(2, -1), torch.full((2, 16), 0.9))
    bars = ErrorBars(LearnedEstimator(ErrorNetwork(1).eval(), 0.9), thresholds, 0.9, -1, 0.4, 40)
    save_error_bars(tmp_path / NAME, bars, header)
    return unet


def test_bounds_are_written_beside_the_restored_picture(
    bounded: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Around it, with their width; what is promised is said, and the restored picture is what it is without them."""
    drawn(tmp_path / "a.png", 16, 16)
    said = ["restore", bounded, str(tmp_path / "a.png")]
    assert main([*said, str(tmp_path / "plain" / "a.png")]) == 0
    assert main([*said, str(tmp_path / "out" / "a.png"), "--interval", "0.9"]) == 0
    told = capsys.readouterr().out
    assert "Promised: 90% of the uncertain values" in told
    assert "those of digits, 16x16 pixels, under erasure(p=0.5)" in told
    assert re.search(r"at least \d+\.\d\d dB \(95%\)", told)
    names = ["a-lower.png", "a-upper.png", "a-width.png", "a.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    lower, upper, width, restored = (np.asarray(Image.open(tmp_path / "out" / name)).astype(int) for name in names)
    assert (lower <= restored).all()
    assert (restored <= upper).all()
    assert np.array_equal(upper - lower, width)
    assert (tmp_path / "out" / "a.png").read_bytes() == (tmp_path / "plain" / "a.png").read_bytes()


def test_jpeg_is_refused_for_bounds(bounded: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It would change them, and nothing is written."""
    drawn(tmp_path / "a.png", 16, 16)
    said = ["restore", bounded, str(tmp_path / "a.png"), str(tmp_path / "out.jpg"), "--interval", "0.9"]
    assert main(said) == 2
    assert "would lose what bounds promise: JPEG changes values" in capsys.readouterr().err
    assert not (tmp_path / "out.jpg").exists()


def test_of_a_folder_s_jpeg_files_png_files_are_made_for_bounds(bounded: str, tmp_path: Path) -> None:
    """The others keep their names."""
    (tmp_path / "in").mkdir()
    drawn(tmp_path / "in" / "a.png", 16, 16)
    drawn(tmp_path / "in" / "b.jpg", 16, 16)
    assert main(["restore", bounded, str(tmp_path / "in"), str(tmp_path / "out"), "--interval", "0.9"]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"a.png", "a-lower.png", "b.jpg.png", "b.jpg-lower.png"} <= names
    assert not any(name.endswith(".jpg") for name in names)


def test_bounds_of_a_float_picture_are_not_rounded(bounded: str, tmp_path: Path) -> None:
    """Its file holds any number between black and white."""
    values = np.linspace(0.2, 0.8, 256, dtype=np.float32).reshape(16, 16)
    Image.fromarray(values, mode="F").save(tmp_path / "a.tif")
    assert main(["restore", bounded, str(tmp_path / "a.tif"), str(tmp_path / "b.tif"), "--interval", "0.9"]) == 0
    lower, upper = (np.asarray(Image.open(tmp_path / f"b-{what}.tif")) for what in ("lower", "upper"))
    assert lower.dtype == np.float32
    assert len(np.unique(lower)) > 50
    assert len(np.unique(upper)) > 50


def test_in_colour_a_grey_network_promises_no_psnr(
    bounded: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn(tmp_path / "a.png", 16, 16, 3)
    assert main(["restore", bounded, str(tmp_path / "a.png"), str(tmp_path / "b.png"), "--interval", "0.9"]) == 0
    assert "nothing is promised to other channels" in capsys.readouterr().out


def test_to_a_picture_of_another_size_no_psnr_is_promised(
    bounded: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In colour and in 16 bits it has bounds all the same."""
    drawn(tmp_path / "a.png", 40, 30, kind=np.uint16)
    drawn(tmp_path / "b.png", 20, 30, 3)
    for name in ("a.png", "b.png"):
        assert main(["restore", bounded, str(tmp_path / name), str(tmp_path / "out" / name), "--interval", "0.9"]) == 0
        assert "nothing is promised to another size than 16x16" in capsys.readouterr().out
    assert np.asarray(Image.open(tmp_path / "out" / "a-lower.png")).dtype == np.uint16
    assert np.asarray(Image.open(tmp_path / "out" / "b-width.png")).shape == (20, 30, 3)


def test_bounds_that_promise_nothing_here_are_refused(
    bounded: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another level, another network, or none beside the weights: each in a paragraph that says what to do."""
    drawn(tmp_path / "a.png", 16, 16)
    asked = tmp_path / "a.png", tmp_path / "b.png", "--interval"
    assert "holds bounds at 90%, and 80% was asked" in refusal(capsys, bounded, *asked, "0.8")
    architecture, shapes = spec("architecture", {"unet": {"widths": [2, 2]}}), Shapes((1, 16, 16), (1, 16, 16))
    other = saved(tmp_path / "other.safetensors", architecture, initialise(architecture, shapes, 7), shapes)
    assert "bounds what another network restores" in refusal(capsys, other, *asked, "0.9")
    (tmp_path / NAME).unlink()
    assert "Name the run in its place" in refusal(capsys, bounded, *asked, "0.9")
