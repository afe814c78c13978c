"""What is given to a network: every kind of picture becomes values, and comes back to the bit where nothing is done."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from daecore.data.value_range import TYPES, ValueRange
from daecore.errors import DaecoreError, DataError, InputError, NonFiniteError
from daecore.trained.given import Given, take_pictures, take_samples

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 7), np.uint8)
COLOUR = RANDOM.integers(0, 256, (6, 7, 3), np.uint8)


def again(given: Any, wanted: ValueRange | None = None) -> Any:
    """What comes back of a network that changes nothing."""
    taken = take_pictures(given, 1, wanted)
    assert taken.values.dtype == torch.float32
    assert taken.values.dim() == 4
    return taken.again(taken.values)


def refused(given: Any, error: type[DaecoreError] = InputError) -> str:
    """The one sentence or two with which it is refused."""
    with pytest.raises(error) as told:
        take_pictures(given, 1, None)
    said = str(told.value)
    assert said.endswith(".")
    assert "\n" not in said
    return said


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 3), (3, 6, 7), (4, 6, 7), (2, 3, 6, 7), (2, 6, 7, 3)])
def test_arrays_and_tensors_of_every_type_come_back(kind: str, shape: tuple[int, ...]) -> None:
    """In type, shape and value; of 32 bits as many as a float32 keeps."""
    numbers = RANDOM.integers(0, 256, shape).astype(kind)
    values = numbers / np.asarray(256, kind) if kind.startswith("float") else numbers << 16 if "32" in kind else numbers
    found = again(values)
    assert found.dtype == values.dtype
    assert np.array_equal(found, values)
    tensor = torch.from_numpy(values)
    back = again(tensor)
    assert back.dtype == tensor.dtype
    assert back.equal(tensor)


def test_numbers_become_values_by_their_type() -> None:
    for kind, white in (("uint8", 255), ("uint16", 65535), ("int16", 32767), ("float32", 1)):
        taken = take_pictures(np.array([[0, white]], kind), 1, None)
        assert taken.values.flatten().tolist() == [0, 1]


def test_bytes_in_the_other_order_are_numbers_too() -> None:
    """As astronomers' files have them."""
    assert np.array_equal(again(GREY.astype(">u2")), GREY)
    assert np.array_equal(again((GREY / 255).astype(">f4")), (GREY / 255).astype("f4"))


def test_noise_beyond_black_and_white_is_not_clipped() -> None:
    """Floats are values, whatever noise made of them."""
    noisy = RANDOM.normal(0.5, 2, (6, 7))
    taken = take_pictures(noisy, 1, None)
    assert taken.values.min() < -1
    assert taken.values.max() > 2
    assert np.allclose(taken.again(taken.values), noisy, atol=1e-6)


def test_whole_numbers_are_rounded_and_stay_within_their_type() -> None:
    taken = take_pictures(GREY, 1, None)
    made = taken.again(torch.tensor([[[[-0.5, 0.5, 1.5, 100.4 / 255]]]]))
    assert made.tolist() == [[0, 128, 255, 100]]
    assert made.dtype == np.uint8


def test_a_range_says_what_black_and_white_are() -> None:
    """Of the types it is for; numbers beyond it come back, too."""
    wanted = ValueRange(low=100, high=4095, kinds=("uint16",))
    numbers = np.array([[100, 4095, 60000, 0]], np.uint16)
    taken = take_pictures(numbers, 1, wanted)
    assert taken.values.flatten()[:2].tolist() == [0, 1]
    assert np.array_equal(taken.again(taken.values), numbers)
    assert take_pictures(GREY, 1, wanted).values.max() == GREY.max() / np.float32(255)


def test_a_network_cannot_write_into_what_was_given() -> None:
    """Its first layer may work in place; nor is a warning given of what cannot be written."""
    values = np.ones((6, 7), np.float32)
    for given in (values, torch.from_numpy(values)):
        take_pictures(given, 1, None).values.zero_()
    take_samples(values, (7,)).values.zero_()
    assert (values == 1).all()
    again(np.broadcast_to(np.float32(0.5), (6, 7)))


def test_tensors_keep_bfloat16_and_need_no_gradient() -> None:
    tensor = torch.rand(6, 7, requires_grad=True)
    assert again(tensor).equal(tensor.detach())
    assert not again(tensor).requires_grad
    half = torch.rand(6, 7).bfloat16()
    assert again(half).dtype == torch.bfloat16
    assert again(half).equal(half)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (GREY.astype("int64"), "int64 do not say what white is: 255, 65,535 or 1. Take them as one of uint8"),
        (torch.zeros(5, 5, dtype=torch.int64), "int64 do not say what white is"),
        (GREY.astype("int8"), "int8 do not say what white is"),
        ([[1, 2], [3, 4]], "int64 do not say what white is"),
        (GREY > 3, "values of the type bool"),
        (torch.zeros(5, 5, dtype=torch.bool), "values of the type bool"),
        (GREY.astype("complex64"), "values of the type complex64"),
        (torch.zeros(5, 5, dtype=torch.complex64), "values of the type complex64"),
        (GREY.astype(object), "values of the type object"),
        (None, "got NoneType"),
        ({}, "got dict"),
        (b"png", "got bytes"),
        (5, "shape () is no picture"),
        ([[1], [1, 2]], "An array was expected: setting an array element with a sequence"),
        (torch.zeros(5, 5).to_sparse(), "An array was expected: can't convert Sparse"),
        (torch.zeros(5, 5, device="meta"), "An array was expected: Cannot copy out of meta tensor"),
        (np.zeros((0, 5)), "An array of shape (0, 5) holds nothing"),
        (torch.zeros(0, 1, 5, 5), "An array of shape (0, 1, 5, 5) holds nothing"),
        (np.zeros((6, 7, 4), np.uint8), "Take transparency off"),
        (Image.new("L", (0, 5)), "A picture of 0x5 pixels holds nothing"),
        ([Image.new("P", (5, 5))], "A picture of Pillow is given by itself, and not in a list"),
        ("a\0b", "is no path on this machine"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_told_in_a_sentence(given: Any, said: str) -> None:
    """Whatever it is, no other exception comes out."""
    assert said in refused(given)


def test_what_is_not_finite_is_told() -> None:
    """Also what a float32 does not hold."""
    assert "1 of the 2 values are NaN or infinite" in refused(np.array([[np.nan, 1]]), NonFiniteError)
    assert "2 of the 2 values are NaN" in refused(torch.tensor([[torch.inf, -torch.inf]]), NonFiniteError)
    assert "beyond what a float32 holds" in refused(np.full((5, 5), 1e300), NonFiniteError)
    assert "are NaN or infinite" in refused(Image.new("F", (5, 5), float("nan")), NonFiniteError)


@pytest.mark.parametrize(
    ("mode", "back"),
    [
        ("1", "L"), ("L", "L"), ("LA", "LA"), ("RGB", "RGB"), ("RGBA", "RGBA"), ("P", "RGB"), ("I", "I;16"), ("F", "F"),
        ("CMYK", "RGB"), ("PA", "RGBA"), ("I;16", "I;16"), ("I;16B", "I;16"),
    ],
)  # fmt: skip
def test_a_picture_of_pillow_comes_back_as_one(mode: str, back: str) -> None:
    """In its mode, or in one that holds the same grey or colour; transparency is what it was."""
    colour = Image.fromarray(COLOUR)
    if mode == "F":
        image = Image.fromarray(np.float32(GREY) / 255)
    elif mode.startswith("I;16"):
        image = Image.frombytes(mode, (7, 6), GREY.astype(">u2" if mode.endswith("B") else "<u2").tobytes())
    else:
        image = (colour.convert("P") if mode == "PA" else colour).convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(GREY))
    found = again(image)
    assert (found.mode, found.size) == (back, image.size)
    wanted = image if mode.startswith("I") else image.convert(back)  # Pillow itself would cut 16 bits off
    assert np.array_equal(np.asarray(found), np.asarray(wanted))


def test_whole_numbers_of_pillow_beyond_16_bits_stay_what_they_are() -> None:
    for value in (-5, 1 << 20):
        found = again(Image.new("I", (5, 5), value))
        assert found.mode == "I"
        assert found.getpixel((0, 0)) == max(value, 0)  # black is 0


def test_a_transparent_colour_is_transparency() -> None:
    image = Image.fromarray(COLOUR).convert("P")
    image.info["transparency"] = 3
    assert np.array_equal(np.asarray(again(image)), np.asarray(image.convert("RGBA")))


def test_a_picture_of_pillow_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Its file is cut off, or it was closed: Pillow says so as late as it is looked at."""
    Image.fromarray(RANDOM.integers(0, 256, (64, 64), np.uint8)).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with Image.open(tmp_path / "a.png") as image:
        assert "cannot be read: image file is truncated" in refused(image, DataError)
    closed = Image.new("L", (5, 5))
    closed.close()
    assert "closed image" in refused(closed, DataError)


@pytest.mark.parametrize("values", [GREY, COLOUR, GREY.astype(np.uint16) * 257])
def test_of_a_file_an_array_comes_back(tmp_path: Path, values: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 8 and 16 bits, by a name or a path, also of the home folder."""
    Image.fromarray(values).save(tmp_path / "a.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (tmp_path / "a.png", str(tmp_path / "a.png"), "~/a.png"):
        found = again(path)
        assert found.dtype == values.dtype
        assert np.array_equal(found, values)


OME = {"axes": "TCYX", "Channel": {"Name": ["DAPI", "GFP", "Cy5"]}}


@pytest.mark.parametrize(
    ("choice", "at"),
    [
        ({}, np.s_[:]), ({"time": 1}, np.s_[1]), ({"channel": "GFP"}, np.s_[:, 1]),
        ({"channel": 2, "time": 0}, np.s_[0, 2]), ({"depth": 3}, np.s_[:]),
    ],
)  # fmt: skip
def test_of_a_stack_come_its_dimensions_or_what_is_chosen(tmp_path: Path, choice: Mapping[str, Any], at: Any) -> None:
    """Before height and width, in the file's order."""
    values = RANDOM.integers(0, 65536, (2, 3, 6, 7), np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", values, metadata=OME)
    taken = take_pictures(tmp_path / "a.ome.tif", 1, None, choice)
    assert np.array_equal(taken.again(taken.values), values[at])
    twice = torch.stack([taken.values, taken.values])
    assert taken.again(twice, leading=1).shape == (2, *values[at].shape)


def test_stacks_of_imagej_and_in_colour(tmp_path: Path) -> None:
    grey, colour = np.stack([GREY] * 4), np.stack([COLOUR, COLOUR[::-1]])
    tifffile.imwrite(tmp_path / "grey.tif", grey, imagej=True)
    tifffile.imwrite(tmp_path / "colour.tif", colour, photometric="rgb")
    assert np.array_equal(again(tmp_path / "grey.tif"), grey)
    assert np.array_equal(again(tmp_path / "colour.tif"), colour)


def test_a_file_that_is_no_picture_or_several_kinds_is_told(tmp_path: Path) -> None:
    """Pages of several types would all be taken as the widest."""
    with tifffile.TiffWriter(tmp_path / "mixed.tif") as file:
        file.write(GREY)
        file.write(GREY.astype(np.uint16))
    assert "differ in size, colour or type" in refused(tmp_path / "mixed.tif", DataError)
    assert "No such file" in refused(tmp_path / "nowhere.png", DataError)
    assert "is no file but a folder" in refused(str(tmp_path), DataError)
    tifffile.imwrite(tmp_path / "a.ome.tif", np.stack([[GREY] * 3] * 2), metadata=OME)
    with pytest.raises(DataError, match="has no channel 'Cy7'; there are 0 to 2, or DAPI, GFP, Cy5"):
        take_pictures(tmp_path / "a.ome.tif", 1, None, {"channel": "Cy7"})


@pytest.mark.parametrize("shape", [(2,), (4, 5)])
def test_samples_that_are_no_pictures_come_back(shape: tuple[int, ...]) -> None:
    """One or several; whole numbers as float32, for a network gives no whole ones."""
    for given in (RANDOM.normal(size=shape), RANDOM.normal(size=(7, *shape)).astype(np.float32)):
        taken = take_samples(given, shape)
        found = taken.again(taken.values)
        assert found.dtype == given.dtype
        assert np.allclose(found, given)
        assert taken.again(torch.stack([taken.values] * 3), leading=1).shape == (3, *given.shape)
    assert _again(take_samples(torch.ones(7, *shape, dtype=torch.int64), shape)).dtype == torch.float32


def _again(taken: Given) -> Any:
    return taken.again(taken.values)


def test_samples_of_another_shape_are_told() -> None:
    with pytest.raises(InputError, match=r"takes an array of shape \(2,\) or \('N', 2\); got \(7, 3\)"):
        take_samples(np.zeros((7, 3)), (2,))
    for given in ("a.png", Image.new("L", (5, 5))):
        with pytest.raises(InputError, match=r"and no pictures. Give an array of them"):
            take_samples(given, (2,))
    with pytest.raises(NonFiniteError, match="1 of the 2 values"):
        take_samples([0, np.nan], (2,))
    with pytest.raises(InputError, match="complex64"):
        take_samples(torch.zeros(2, dtype=torch.complex64), (2,))


def test_floats_of_an_array_are_values_however_far_noise_took_them() -> None:
    """The network has learnt from counts of 12 bits; a program's own floats are none of these."""
    wanted = ValueRange(low=0, high=4095, kinds=("uint16",))
    for reach in (0.5, 1.0, 3.0):
        array = np.linspace(-reach, reach, 30, dtype=np.float32).reshape(5, 6)
        taken = take_pictures(array, 1, wanted)
        assert taken.values.flatten().tolist() == array.flatten().tolist()
