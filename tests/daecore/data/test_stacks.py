"""Files with several pictures: as OME, ImageJ and others write them, each picture as it was drawn, chosen by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from daecore_plugins.datasets.image_folder import ImageFolder, image_folder

from daecore import DataError, InputError, Splits, as_float
from daecore.data import open_picture_file
from daecore.data.dimensions import Dimension, choose, named

T, Z, C, SIDE = 2, 3, 2, 12
STACK = np.random.default_rng(0).integers(0, 65536, (T, Z, C, SIDE, SIDE), np.uint16)
TZC = (Dimension("time", T), Dimension("depth", Z), Dimension("channel", C))
NAMED = (*TZC[:2], Dimension("channel", C, ("DAPI", "GFP & more")))
PAGES = (Dimension("page", T * Z * C),)


def ome(path: Path) -> None:
    metadata = {"axes": "TZCYX", "Channel": {"Name": ["DAPI", "GFP & more"]}}
    tifffile.imwrite(path, STACK, ome=True, metadata=metadata)


def imagej(path: Path) -> None:
    tifffile.imwrite(path, STACK, imagej=True, metadata={"axes": "TZCYX"})


def huge_imagej(path: Path) -> None:
    """As ImageJ writes files beyond 4 GB: one page, the others lie behind it."""
    tifffile.imwrite(path, STACK, imagej=True, metadata={"axes": "TZCYX"}, truncate=True)


def shaped(path: Path) -> None:
    tifffile.imwrite(path, STACK, metadata={"axes": "TZCYX"}, photometric="minisblack")


def plain(path: Path) -> None:
    with tifffile.TiffWriter(path) as tiff:
        for page in STACK.reshape(-1, SIDE, SIDE):
            tiff.write(page, metadata=None, compression="zlib")


def pyramid(path: Path) -> None:
    """With smaller copies and in tiles, as slide scanners write it."""
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(STACK, subifds=1, metadata={"axes": "TZCYX"}, tile=(16, 16))
        tiff.write(STACK[..., ::2, ::2], subfiletype=1, tile=(16, 16))


WRITERS: dict[str, tuple[Callable[[Path], None], tuple[Dimension, ...]]] = {
    "ome": (ome, NAMED), "imagej": (imagej, TZC), "huge imagej": (huge_imagej, TZC), "shaped": (shaped, TZC),
    "plain": (plain, PAGES), "pyramid": (pyramid, TZC),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_each_picture_of_a_stack_is_read_as_it_was_drawn(tmp_path: Path, name: str) -> None:
    write, dimensions = WRITERS[name]
    write(tmp_path / "a.tif")
    with open_picture_file(tmp_path / "a.tif") as pictures:
        assert pictures.dimensions == dimensions
        assert len(pictures) == T * Z * C
        found = [pictures.stored(number).values[..., 0] for number in range(len(pictures))]
    assert np.array_equal(np.stack(found), STACK.reshape(-1, SIDE, SIDE))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"channel": "DAPI"}, STACK[:, :, 0]), ({"channel": 1, "time": 0}, STACK[0, :, 1]),
        ({"depth": 2}, STACK[:, 2]), ({"page": 5}, STACK), ({"time": 1, "depth": 0, "channel": 1}, STACK[1, 0, 1]),
    ],
)  # fmt: skip
def test_pictures_are_chosen_by_name_or_number(tmp_path: Path, choice: Any, expected: np.ndarray) -> None:
    """What a file does not have is not chosen in it."""
    ome(tmp_path / "a.tif")
    with open_picture_file(tmp_path / "a.tif", choice) as pictures:
        found = [pictures.stored(number).values[..., 0] for number in range(len(pictures))]
    assert np.array_equal(np.stack(found), expected.reshape(-1, SIDE, SIDE))


def test_what_a_stack_does_not_have_is_said(tmp_path: Path) -> None:
    ome(tmp_path / "a.tif")
    said = r"a.tif has no channel 'RFP'; there are 0 to 1, or DAPI, GFP & more\."
    with pytest.raises(DataError, match=said), open_picture_file(tmp_path / "a.tif", {"channel": "RFP"}):
        pass
    with pytest.raises(DataError, match="has no depth 3; there are 0 to 2"):
        open_picture_file(tmp_path / "a.tif", {"depth": 3}).__enter__()


def test_colour_pages_are_colour_pictures(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 256, (4, SIDE, SIDE, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    with open_picture_file(tmp_path / "a.tif") as pictures:
        assert pictures.dimensions == (Dimension("page", 4),)
        assert np.array_equal(np.stack([pictures.stored(n).values for n in range(4)]), values)


def test_a_stack_that_was_cut_off_names_the_picture(tmp_path: Path) -> None:
    huge_imagej(tmp_path / "a.tif")
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: -5 * SIDE])
    with (
        open_picture_file(tmp_path / "a.tif") as pictures,
        pytest.raises(DataError, match=r"picture 12 of 12, cannot"),
    ):
        pictures.stored(11)


def test_neighbours_that_nobody_names_are_one_dimension() -> None:
    assert [*named("QIZC", (2, 3, 4, 1), {})] == [Dimension("page", 6), Dimension("depth", 4)]
    assert [*named("TQ", (5, 2), {})] == [Dimension("time", 5), Dimension("page", 2)]
    assert choose((), {"channel": 1}) == ([0], ())


def read(path: Path, **options: Any) -> Splits:
    return image_folder(ImageFolder(path=str(path), mode="whole", size=8, **options), cache=path.parent / "data")


def test_one_stack_is_a_dataset_whose_sets_lie_apart(tmp_path: Path) -> None:
    """The last pictures are tested on, those before them validate: neighbours are alike."""
    (tmp_path / "files").mkdir()
    plain(tmp_path / "files" / "a.tif")
    splits = read(tmp_path / "files", range="dtype", test=0.25)
    tested = splits.test[0].data[:, 0]
    assert np.array_equal(tested.numpy(), STACK.reshape(-1, SIDE, SIDE)[-3:])
    assert (len(splits.train), len(splits.validation)) == (32 * 8, 32)


def test_no_file_is_in_two_sets_where_there_are_enough(tmp_path: Path) -> None:
    """Also where each holds several pictures, of which one channel is chosen."""
    (tmp_path / "files").mkdir()
    for number in range(4):
        values = np.full((5, 2, SIDE, SIDE), 10 * number + 1, np.uint8)
        values[:, 1] = 200
        tifffile.imwrite(tmp_path / "files" / f"{number}.tif", values, imagej=True, metadata={"axes": "TCYX"})
    splits = read(tmp_path / "files", choose={"channel": 0})
    levels = [set(samples.data.unique().tolist()) for _, samples in splits.sets]
    assert [len(it) for it in levels] == [2, 1, 1]
    assert set.union(*levels) == {1, 11, 21, 31}
    assert len(splits.test[0]) == 5


def test_what_was_decoded_of_a_long_stack_is_taken_again(tmp_path: Path) -> None:
    """Of one with more pictures than are held at once; another choice is another reading."""
    (tmp_path / "files").mkdir()
    values = np.random.default_rng(2).integers(0, 256, (40, SIDE, SIDE), np.uint8)
    tifffile.imwrite(tmp_path / "files" / "a.tif", values, photometric="minisblack")
    first = read(tmp_path / "files")
    assert read(tmp_path / "files").digest == first.digest
    tifffile.imwrite(tmp_path / "files" / "b.tif", values[:3], photometric="minisblack")
    grown = read(tmp_path / "files")
    assert len(grown.train) + len(grown.validation) == 32 * (43 - 4)
    (tmp_path / "files" / "b.tif").unlink()
    with pytest.raises(InputError, match="too few for training"):
        read(tmp_path / "files", choose={"page": 0})


def test_a_stack_with_a_damaged_picture_is_bad_as_a_whole_and_named(tmp_path: Path) -> None:
    """Whatever was read of it before; the other files are kept."""
    (tmp_path / "files").mkdir()
    rng = np.random.default_rng(3)
    for name in ("a.tif", "b.tif"):
        with tifffile.TiffWriter(tmp_path / "files" / name) as tiff:
            for _ in range(20):
                tiff.write(
                    rng.integers(0, 256, (SIDE, SIDE), np.uint8), metadata=None, compression="zlib", contiguous=False
                )
    content = bytearray((tmp_path / "files" / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "files" / "a.tif") as tiff:
        place = tiff.pages[18].dataoffsets[0]
    content[place : place + 20] = bytes(20)
    (tmp_path / "files" / "a.tif").write_bytes(content)
    for _ in range(2):
        with pytest.raises(DataError, match=r"a\.tif, picture 19 of 20, cannot be read") as told:
            read(tmp_path / "files")
        assert "b.tif" not in str(told.value)
    (tmp_path / "files" / "a.tif").unlink()
    assert as_float(read(tmp_path / "files").train.data).shape[1:] == (1, 8, 8)
    assert torch.is_tensor(read(tmp_path / "files").test[0].data)
