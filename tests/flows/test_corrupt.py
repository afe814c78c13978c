"""`dae corrupt`: pictures as the plugins would damage them, in the numbers and with all else of their files."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from daecore_flows.cli import main
from PIL import Image

SIDE = 64
NOISE = "gaussian_noise: {sigma: 0.1}"


def drawn(path: Path, kind: type = np.uint8, white: float = 255, channels: int = 1) -> np.ndarray:
    """Waves between a quarter and three quarters of white."""
    path.parent.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    values = np.stack([(0.5 + 0.25 * np.sin(5 * y + (3 + c) * x)) * white for c in range(channels)], -1)
    values = (values if np.issubdtype(kind, np.floating) else np.rint(values)).astype(kind)
    values = values[..., 0] if channels == 1 else values
    tifffile.imwrite(path, values) if path.suffix == ".tif" else Image.fromarray(values).save(path)
    return values


def pixels(path: Path) -> np.ndarray:
    if path.suffix == ".tif":
        return tifffile.imread(path)
    with Image.open(path) as image:
        return np.array(image)


def corrupt(source: Path, target: Path, *words: object) -> int:
    return main(["corrupt", str(source), str(target), *map(str, words)])


@pytest.mark.parametrize(
    ("name", "kind", "white", "span"),
    [
        ("a.png", np.uint8, 255, 255), ("a.tif", np.uint16, 4095, 4095), ("b.tif", np.float32, 1, 1),
        ("c.tif", np.float32, 3200, 2400), ("d.tif", np.uint16, 65535, 65535),
    ],
)  # fmt: skip
def test_the_noise_has_its_strength_in_the_file_s_own_numbers(
    tmp_path: Path, name: str, kind: type, white: float, span: float
) -> None:
    """A tenth of the range: of 8 bits, of a camera's depth, of counts up to their highest."""
    clean = drawn(tmp_path / name, kind, white)
    assert corrupt(tmp_path / name, tmp_path / "out" / name, "--corruption", NOISE) == 0
    noisy = pixels(tmp_path / "out" / name)
    assert noisy.dtype == kind
    assert abs((noisy.astype(float) - clean).std() / span - 0.1) < 0.005


def test_a_chain_is_applied_in_its_order_and_a_bare_name_is_enough(tmp_path: Path) -> None:
    drawn(tmp_path / "a.png")
    assert corrupt(tmp_path / "a.png", tmp_path / "b.png", "--corruption", "downscale: {factor: 2}") == 0
    assert pixels(tmp_path / "b.png").shape == (SIDE // 2, SIDE // 2)
    chain = ("--corruption", "blur", "--corruption", "erasure: {p: 0.5}")
    assert corrupt(tmp_path / "a.png", tmp_path / "c.png", *chain) == 0
    assert abs((pixels(tmp_path / "c.png") == 0).mean() - 0.5) < 0.05


def test_the_same_seed_gives_the_same_noise_and_each_file_its_own(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        drawn(tmp_path / "in" / name)
    found = {}
    for number, words in enumerate([(), ("--seed", 0), ("--seed", 1)]):
        assert corrupt(tmp_path / "in", tmp_path / str(number), "--corruption", NOISE, *words) == 0
        found[number] = {it.name: it.read_bytes() for it in (tmp_path / str(number)).iterdir()}
    assert found[0] == found[1]
    assert found[0]["a.png"] != found[0]["b.png"]
    assert found[0]["a.png"] != found[2]["a.png"]


def test_floats_are_not_clipped_and_whole_numbers_stay_in_their_type(tmp_path: Path) -> None:
    """A camera saturates; a float picture of noise around black has values below 0."""
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((SIDE, SIDE), np.float32))
    Image.new("L", (SIDE, SIDE), 0).save(tmp_path / "a.png")
    assert corrupt(tmp_path / "a.tif", tmp_path / "b.tif", "--corruption", NOISE) == 0
    assert abs((tifffile.imread(tmp_path / "b.tif") < 0).mean() - 0.5) < 0.05
    assert corrupt(tmp_path / "a.png", tmp_path / "b.png", "--corruption", NOISE) == 0
    assert pixels(tmp_path / "b.png").max() < 128


def test_transparency_and_profile_are_kept(tmp_path: Path) -> None:
    values = np.full((SIDE, SIDE, 4), 128, np.uint8)
    values[: SIDE // 2, :, 3] = 30
    Image.fromarray(values).save(tmp_path / "a.png", icc_profile=b"a profile")
    assert corrupt(tmp_path / "a.png", tmp_path / "b.png", "--corruption", NOISE) == 0
    with Image.open(tmp_path / "b.png") as written:
        assert written.info["icc_profile"] == b"a profile"
        assert np.array_equal(np.array(written)[..., 3], values[..., 3])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--corruption", "erasing"), "There is no corruption called 'erasing'. Did you mean 'erasure'"),
        (("--corruption", "erasure: {p: 2}"), "cannot be read: corruption.p: Input should be less than or equal to 1"),
        (("--corruption", "[1, 2]"), "--corruption takes a name, or a name with options"),
        (("--corruption", "erasure", "--range", "white"), "auto, dtype, or two ascending numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    drawn(tmp_path / "a.png")
    assert corrupt(tmp_path / "a.png", tmp_path / "b.png", *words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "b.png").exists()


def test_no_input_is_overwritten_and_what_cannot_be_read_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").write_bytes(b"damaged")
    assert corrupt(tmp_path / "in", tmp_path / "in", "--corruption", NOISE, "--force") == 2
    assert "never overwritten" in capsys.readouterr().err
    assert corrupt(tmp_path / "in", tmp_path / "out", "--corruption", NOISE) == 1
    said = capsys.readouterr().err
    assert "b.png was left out." in said
    assert "1 of 2 pictures could not be corrupted." in said
    assert [it.name for it in (tmp_path / "out").iterdir()] == ["a.png"]


def test_a_picture_that_a_corruption_cannot_take_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Too small for it, say; the others go on."""
    Image.new("L", (3, 3)).save(tmp_path / "a.png")
    assert corrupt(tmp_path / "a.png", tmp_path / "b.png", "--corruption", "downscale: {factor: 2}") == 1
    said = capsys.readouterr().err
    assert "a.png was left out. The corruption downscale" in said
    assert "Traceback" not in said
