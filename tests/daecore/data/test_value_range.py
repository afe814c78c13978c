"""Which numbers of files are 0 and 1: what auto finds, what a user says, and that they come back as they were."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from daecore_plugins.datasets.image_folder import ImageFolder, image_folder
from PIL import Image
from pydantic import ValidationError

from daecore import DataError, InputError, Samples, Splits, as_float, read_image
from daecore.data.image_encoding import encode_image
from daecore.data.value_range import Extent, ValueRange, find_range

SIDE = 16
CAMERA = Extent("uint16", 65535, 3, 4000)
GREY, UNIT, COUNTS = Extent("uint8", 255, 0, 200), Extent("float32", 1, -1e-7, 1.02), Extent("float32", 1, 0, 3200)
SIGNED, WIDE = Extent("int16", 32767, -1000, 3071), Extent("uint32", 2**32 - 1, 0, 255)


def bounds(*extents: Extent) -> tuple[float, float] | None:
    found = find_range("auto", extents)
    return None if found is None else (found.low, found.high)


@pytest.mark.parametrize(
    ("extents", "expected"),
    [
        ((GREY,), None), ((UNIT,), None), ((GREY, UNIT), None), ((), None),
        ((CAMERA,), (0, 4095)), ((Extent("uint16", 65535, 0, 40_000),), None), ((WIDE,), (0, 255)),
        ((CAMERA, Extent("uint16", 65535, 0, 4096)), (0, 16383)), ((Extent("uint16", 4095, 0, 4000),), None),
        ((COUNTS,), (0, 3200)), ((SIGNED,), (-1000, 3071)), ((Extent("float64", 1, -2, -1),), (-2, -1)),
        ((GREY, CAMERA), None), ((GREY, COUNTS), (0, 3200)),
    ],
)  # fmt: skip
def test_auto_follows_the_files(extents: tuple[Extent, ...], expected: tuple[float, float] | None) -> None:
    """A camera's depth, counts, numbers below 0; 8 bits and floats between 0 and 1 are what they are."""
    assert bounds(*extents) == expected


def test_what_auto_cannot_know_is_asked() -> None:
    with pytest.raises(InputError, match=r"uint16 from 3 to 4000.*Set the option range to \[low, high\]"):
        bounds(CAMERA, COUNTS)
    with pytest.raises(InputError, match="All numbers of the files of the type float32 are -5"):
        bounds(Extent("float32", 1, -5, -5))


def test_a_range_is_that_of_its_files_and_of_others_that_count() -> None:
    """A network of counts is given a picture of 8 bits, or floats between 0 and 1: these are grey levels."""
    learnt = find_range("auto", [CAMERA])
    assert learnt is not None
    assert [learnt.applies_to(it) for it in (CAMERA, SIGNED, COUNTS, WIDE, GREY, UNIT)] == [True] * 4 + [False] * 2
    said = find_range((0, 100), [GREY])
    assert said is not None
    assert said.applies_to(GREY)


@pytest.mark.parametrize("asked", [(1, 1), (2, 1), (0, float("inf")), (float("nan"), 1), "white", (1, 2, 3)])
def test_a_range_that_is_none_is_refused(asked: object) -> None:
    with pytest.raises(ValidationError):
        ImageFolder(range=asked)


def drawing(seed: int, low: float, high: float, kind: type) -> np.ndarray:
    values = np.random.default_rng(seed).uniform(low, high, (SIDE, SIDE))
    values[0, 0], values[0, 1] = low, high
    return values.astype(kind) if np.issubdtype(kind, np.floating) else np.rint(values).astype(kind)


def folder_of(path: Path, low: float, high: float, kind: type) -> list[np.ndarray]:
    path.mkdir()
    drawn = [drawing(number, low, high, kind) for number in range(5)]
    for number, values in enumerate(drawn):
        tifffile.imwrite(path / f"{number}.tif", values)
    return drawn


def read(path: Path, **options: object) -> Splits:
    return image_folder(ImageFolder(path=str(path), mode="whole", size=SIDE, **options), cache=path.parent / "data")


@pytest.mark.parametrize(
    ("low", "high", "kind", "found"),
    [
        (0, 4095, np.uint16, (0, 4095)), (0, 3200, np.float32, (0, 3200)), (-1000, 3000, np.int16, (-1000, 3000)),
        (0, 255, np.uint32, (0, 255)), (-3.5, 900.25, np.float64, (-3.5, 900.25)), (0, 255, np.uint8, None),
        (0, 65535, np.uint16, None), (0, 1, np.float32, None),
    ],
)  # fmt: skip
def test_samples_reach_from_0_to_1_and_keep_all_levels(
    tmp_path: Path, low: float, high: float, kind: type, found: tuple[float, float] | None
) -> None:
    """Of every kind of files; whole numbers of 16 bits stay what they are where these are their range."""
    drawn = folder_of(tmp_path / "files", low, high, kind)
    splits = read(tmp_path / "files")
    assert (splits.value_range and (splits.value_range.low, splits.value_range.high)) == found
    values = as_float(splits.train.data)
    assert values.aminmax() == (0, 1)
    assert splits.train.source.dtype == {np.uint8: torch.uint8, np.uint16: torch.uint16}.get(
        None if found else kind, torch.float32
    )
    levels = {tuple(np.unique(it)) for it in drawn}
    assert {it.unique().numel() for it in values} <= {len(it) for it in levels}


def test_another_range_is_another_dataset(tmp_path: Path) -> None:
    folder_of(tmp_path / "files", 0, 4095, np.uint16)
    digests = {read(tmp_path / "files", range=it).digest for it in ("auto", "dtype", (0, 4000))}
    assert len(digests) == 3
    assert read(tmp_path / "files", range=(0, 4095)).digest == read(tmp_path / "files").digest
    assert as_float(read(tmp_path / "files", range="dtype").train.data).max() == torch.tensor(4095 / 65535)


def test_tests_are_taken_in_the_range_that_was_learnt(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What lies beyond is clipped, and told."""
    folder_of(tmp_path / "files", 0, 1000, np.float32)
    folder_of(tmp_path / "tests", 0, 2000, np.float32)
    splits = read(tmp_path / "files", test_path=str(tmp_path / "tests"))
    assert splits.value_range is not None
    assert splits.value_range.high == 1000
    tested = as_float(splits.test[0].data)
    assert tested.max() == 1
    assert (tested == 1).float().mean() > 0.3
    assert "lay beyond 0 to 1000, from 0 to 2000, and were clipped. The same or another note on 4 more." in caplog.text


def test_what_leaves_its_type_s_range_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder_of(tmp_path / "files", 0, 1000, np.float32)
    with pytest.raises(DataError, match=r"has values from 0 to 1000, expected 0 to 1\. Say which of them are 0 and 1"):
        read(tmp_path / "files", range="dtype")


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64, np.float16])
@pytest.mark.parametrize(("low", "high"), [(0.0, 4095.0), (100.0, 900.0), (-50.0, 1200.0)])
def test_numbers_come_back_as_they_were(tmp_path: Path, kind: type, low: float, high: float) -> None:
    """In their own type, whatever the range, also those beyond it; floats within float32's last bits."""
    values = drawing(1, max(0, low) if np.issubdtype(kind, np.unsignedinteger) else low, 2 * high, kind)
    tifffile.imwrite(tmp_path / "a.tif", values)
    name = str(np.dtype(kind))
    image = read_image(tmp_path / "a.tif", value_range=ValueRange(low=low, high=high, kinds=(name,)))
    assert image.kind == name
    assert image.notes == ()
    (tmp_path / "b.tif").write_bytes(encode_image(image, ".tif"))
    again = tifffile.imread(tmp_path / "b.tif")
    assert again.dtype == kind
    if np.issubdtype(kind, np.floating):
        assert np.allclose(again, values, rtol=1e-3 if kind == np.float16 else 1e-6, atol=1e-3)
    else:
        assert np.array_equal(again, values)


def test_what_a_network_draws_too_bright_stays_within_the_file_s_type(tmp_path: Path) -> None:
    """Numbers do not wrap around; without a range they stay within white."""
    tifffile.imwrite(tmp_path / "a.tif", drawing(1, 0, 60_000, np.uint16))
    image = read_image(tmp_path / "a.tif", value_range=ValueRange(low=0, high=60_000, kinds=("uint16",)))
    (tmp_path / "b.tif").write_bytes(encode_image(image.with_pixels(image.pixels * 3 - 1), ".tif"))
    again = tifffile.imread(tmp_path / "b.tif")
    assert (again.min(), again.max()) == (0, 65535)


def test_how_far_values_lie_apart_counts_from_0(tmp_path: Path) -> None:
    """Widths and deviations beside a picture whose black is not 0."""
    tifffile.imwrite(tmp_path / "a.tif", drawing(1, -1000, 3000, np.int16))
    image = read_image(tmp_path / "a.tif", value_range=ValueRange(low=-1000, high=3000, kinds=("int16",)))
    apart = image.with_difference(torch.full_like(image.pixels, 0.25))
    (tmp_path / "b.tif").write_bytes(encode_image(apart, ".tif"))
    assert np.unique(tifffile.imread(tmp_path / "b.tif")).tolist() == [1000]


def test_arrays_of_16_bits_are_samples(tmp_path: Path) -> None:
    """As they are stored; each batch becomes floats."""
    values = np.random.default_rng(0).integers(0, 65536, (9, 8, 8), np.uint16)
    samples = Samples.of(values)
    assert samples.source.dtype == torch.uint16
    index = torch.tensor([4, 1])
    assert torch.allclose(samples.batch(index).clean.double(), torch.from_numpy(values[[4, 1], None] / 65535))
    assert np.array_equal(samples.select(index).data[:, 0].numpy(), values[[4, 1]])
    assert samples.digest != Samples.of(values[::-1].copy()).digest


def test_a_folder_of_counts_is_samples_too(tmp_path: Path) -> None:
    folder_of(tmp_path / "files", 0, 3200, np.float32)
    samples = Samples.of(tmp_path / "files", cache=tmp_path / "data")
    assert samples.data.aminmax() == (0, 1)


def test_files_of_8_bits_may_have_a_range(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for number in range(4):
        Image.new("L", (SIDE, SIDE), 50).save(tmp_path / "files" / f"{number}.png")
    splits = read(tmp_path / "files", range=(0, 100))
    assert as_float(splits.train.data).unique().tolist() == [0.5]
    assert splits.value_range == ValueRange(low=0, high=100, kinds=("uint8",))


def test_a_range_that_float32_cannot_hold_clips_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The highest of all numbers is 1, and no value lies beyond itself."""
    folder_of(tmp_path / "files", -1234567.891, 900.123456789, np.float64)
    splits = read(tmp_path / "files")
    assert splits.value_range is not None
    assert splits.value_range.high == 900.123456789
    assert as_float(splits.train.data).aminmax() == (0, 1)
    assert "clipped" not in caplog.text


def test_a_range_that_a_user_names_clips_where_its_type_s_would_refuse(tmp_path: Path) -> None:
    """Also the one that floats have by themselves."""
    folder_of(tmp_path / "files", 0, 3, np.float32)
    assert as_float(read(tmp_path / "files", range=(0, 1)).train.data).max() == 1
