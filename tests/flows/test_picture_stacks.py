"""Stacks through `dae restore` and `dae corrupt`: a stack for a stack, in its own axes, numbers and sizes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from daecore_flows.cli import main, picture_progress
from networks import network_that_changes_nothing

SIDE = 24
OME = {
    "axes": "TZCYX", "Channel": {"Name": ["DAPI", "GFP"]}, "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm",
    "PhysicalSizeY": 0.25, "PhysicalSizeYUnit": "µm", "PhysicalSizeZ": 1.5, "TimeIncrement": 30.0,
}  # fmt: skip
IMAGEJ = {"axes": "TZCYX", "spacing": 1.5, "unit": "um", "finterval": 30.0}


def stack(kind: type, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    if np.issubdtype(kind, np.floating):
        return rng.uniform(0, 1, shape).astype(kind)
    return rng.integers(0, np.iinfo(kind).max, shape, endpoint=True).astype(kind)


@pytest.fixture
def same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file of a network that gives every picture back."""
    monkeypatch.setenv("DAE_STORE", str(tmp_path / "store"))
    return network_that_changes_nothing(tmp_path / "same.safetensors")


def ome(path: Path, values: np.ndarray) -> None:
    tifffile.imwrite(path, values, ome=True, metadata=OME)


def imagej(path: Path, values: np.ndarray) -> None:
    tifffile.imwrite(path, values, imagej=True, metadata=IMAGEJ, resolution=(4, 4))


def shaped(path: Path, values: np.ndarray) -> None:
    tifffile.imwrite(path, values, metadata={"axes": "TZCYX"}, photometric="minisblack")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("write", [ome, imagej, shaped])
def test_a_network_that_changes_nothing_gives_the_stack_back(
    same: str, tmp_path: Path, write: Callable[[Path, np.ndarray], None], kind: type
) -> None:
    """To the last bit, with its axes, names and sizes, as another reader reads it."""
    values = stack(kind, 2, 3, 2, SIDE, SIDE)
    write(tmp_path / "in.tif", values)
    assert main(["restore", same, str(tmp_path / "in.tif"), str(tmp_path / "out.tif")]) == 0
    with tifffile.TiffFile(tmp_path / "out.tif") as out, tifffile.TiffFile(tmp_path / "in.tif") as before:
        assert np.array_equal(out.asarray(), values)
        assert out.asarray().dtype == kind
        assert out.series[0].axes == "TZCYX"
        assert (out.is_ome, out.is_imagej) == (before.is_ome, before.is_imagej)
        if out.is_imagej:
            assert [out.imagej_metadata[name] for name in ("spacing", "unit", "finterval")] == [1.5, "um", 30.0]
            assert out.pages[0].tags["XResolution"].value == (4, 1)
        if out.is_ome:
            said = out.ome_metadata
            assert all(f'{name}="{it}"' in said for name, it in OME.items() if name not in ("axes", "Channel"))
            assert 'Name="DAPI"' in said
            assert 'Name="GFP"' in said


def test_pages_colour_and_transparency_are_kept(same: str, tmp_path: Path) -> None:
    for name, values, options in (
        ("pages", stack(np.uint16, 5, SIDE, SIDE), {"photometric": "minisblack"}),
        ("colour", stack(np.uint8, 3, SIDE, SIDE, 3), {"photometric": "rgb"}),
        ("alpha", stack(np.uint8, 3, SIDE, SIDE, 4), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    ):
        tifffile.imwrite(tmp_path / f"{name}.tif", values, **options)
        assert main(["restore", same, str(tmp_path / f"{name}.tif"), str(tmp_path / f"{name}-out.tif")]) == 0
        assert np.array_equal(tifffile.imread(tmp_path / f"{name}-out.tif"), values), name


def test_a_channel_is_chosen_by_its_name(same: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One picture that remains may have any format; what there is not is said."""
    values = stack(np.uint16, 2, 3, 2, SIDE, SIDE)
    ome(tmp_path / "in.tif", values)
    words = ["restore", same, str(tmp_path / "in.tif")]
    assert main([*words, str(tmp_path / "gfp.tif"), "--choose", "channel=GFP"]) == 0
    with tifffile.TiffFile(tmp_path / "gfp.tif") as out:
        assert out.series[0].axes == "TZYX"
        assert np.array_equal(out.asarray(), values[:, :, 1])
    assert "6 pictures" in capsys.readouterr().out
    one = ["--choose", "channel=0", "--choose", "time=1", "--choose", "depth=2"]
    assert main([*words, str(tmp_path / "one.png"), *one]) == 0
    assert main([*words, str(tmp_path / "no.tif"), "--choose", "channel=RFP"]) == 1
    assert "has no channel 'RFP'; there are 0 to 1, or DAPI, GFP." in capsys.readouterr().err
    assert main([*words, str(tmp_path / "no.tif"), "--choose", "colour=1"]) == 2
    assert main([*words, str(tmp_path / "no.png")]) == 1
    assert "has 12 pictures, and no.png can hold one. Name an OUT of .tif." in capsys.readouterr().err
    assert not (tmp_path / "no.tif").exists()


def test_a_stack_is_corrupted_picture_by_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with a noise of its own; a smaller one has larger pixels."""
    values = np.full((2, 3, 2, SIDE, SIDE), 20_000, np.uint16)
    values[..., 0, 0] = 60_000
    ome(tmp_path / "in.tif", values)
    noise = ["--corruption", "gaussian_noise: {sigma: 0.1}"]
    assert main(["corrupt", str(tmp_path / "in.tif"), str(tmp_path / "noisy.tif"), *noise]) == 0
    noisy = tifffile.imread(tmp_path / "noisy.tif").astype(float).reshape(12, -1)[:, 1:]
    assert abs(noisy.std() / 65535 - 0.1) < 0.01
    assert np.abs(np.corrcoef(noisy) - np.eye(12)).max() < 0.2
    half = ["--corruption", "downscale: {factor: 2}"]
    assert main(["corrupt", str(tmp_path / "in.tif"), str(tmp_path / "small.tif"), *half]) == 0
    with tifffile.TiffFile(tmp_path / "small.tif") as out:
        assert out.series[0].shape[-2:] == (SIDE // 2, SIDE // 2)
        assert 'PhysicalSizeX="0.5"' in out.ome_metadata
    assert "12 pictures" in capsys.readouterr().out


def test_nothing_is_left_of_a_stack_that_cannot_be_read_to_its_end(same: str, tmp_path: Path) -> None:
    """Not a file half written, nor what it was collected in."""
    tifffile.imwrite(tmp_path / "in.tif", stack(np.uint16, 5, SIDE, SIDE), imagej=True, truncate=True)
    content = (tmp_path / "in.tif").read_bytes()
    (tmp_path / "in.tif").write_bytes(content[:-SIDE])
    assert main(["restore", same, str(tmp_path / "in.tif"), str(tmp_path / "out" / "out.tif")]) == 1
    assert [*(tmp_path / "out").iterdir()] == []


def test_how_far_a_stack_is_is_shown(
    same: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_progress, "EVERY_SECONDS", 0.0)
    tifffile.imwrite(tmp_path / "in.tif", stack(np.uint8, 5, SIDE, SIDE), photometric="minisblack")
    words = [str(tmp_path / "in.tif"), str(tmp_path / "out.tif")]
    assert main(["corrupt", *words, "--corruption", "erasure"]) == 0
    assert "in.tif: part 3 of 5, about" in capsys.readouterr().err
