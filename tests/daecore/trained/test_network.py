"""Trained networks in somebody's hands: what is restored, encoded, drawn and bounded comes as it was given."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import Tensor, nn

from daecore.data.value_range import TYPES, ValueRange
from daecore.data.value_scale import Scale
from daecore.device import Device
from daecore.errors import InputError, NonFiniteError
from daecore.model.autoencoder import Autoencoder, Shapes, initialise
from daecore.plugin.spec import spec
from daecore.stats.intervals import Interval
from daecore.trained.error_bars_file import NAME, ErrorBarsHeader, save_error_bars
from daecore.trained.loading import load
from daecore.trained.model_file import ModelHeader
from daecore.trained.network import TrainedNetwork
from daecore.training.checkpoint import save_tensors, tensors_digest
from daecore.uncertainty.error_bars import ErrorBars
from daecore.uncertainty.error_network import ErrorNetwork
from daecore.uncertainty.estimator import LearnedEstimator
from daecore.uncertainty.picture_bars import PictureBars
from daecore.uncertainty.report import ErrorBarsReport
from daecore.uncertainty.thresholds import Thresholds

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (20, 22), np.uint8)
RESTORED = 0.25  # more than was given, by `Brighter`


def network(
    architecture: Any = "dense", shape: tuple[int, ...] = (1, 16, 16), clean: tuple[int, ...] = (), **header: Any
) -> TrainedNetwork:
    """A network as it is after loading, without a file."""
    built, shapes = spec("architecture", architecture), Shapes(clean or shape, shape)
    said = ModelHeader(architecture=built.dump(), input_shape=shape, output_shape=clean or shape, **header)
    device = Device(kind="cpu", precision="float32", threads=1)
    return TrainedNetwork(initialise(built, shapes, 0).eval(), said, device, lambda level: Path(f"nothing-{level}"))


def straight(**header: Any) -> TrainedNetwork:
    """A U-Net whose correction is zero: it gives every picture back."""
    made = network({"unet": {"widths": [2, 2]}}, **header)
    for parameter in made.module.get_submodule("decoder.last").parameters():
        nn.init.zeros_(parameter)
    return made


class Brighter(Autoencoder):
    """Adds the same to every value, and writes into what it is given."""

    def __init__(self) -> None:
        super().__init__(nn.Identity(), nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        return x.add_(RESTORED)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", [(16, 16), (20, 22), (20, 22, 3), (2, 3, 16, 16)])
def test_a_network_that_changes_nothing_gives_arrays_back(kind: str, shape: tuple[int, ...]) -> None:
    """Of every type, of the size it has learnt from and of another, grey and in colour."""
    values = RANDOM.integers(0, 128, shape).astype(kind) / np.asarray(128 if "float" in kind else 1, kind)
    values = values.astype(kind)
    found = straight().restore(values)
    assert found.dtype == values.dtype
    assert np.allclose(found, values, rtol=0, atol=1e-6 if "float" in kind else 200 if "32" in kind else 0)


def test_tensors_pictures_and_files_come_back_as_they_are(tmp_path: Path) -> None:
    """A file as an array, of a stack what is chosen."""
    made = straight()
    tensor = torch.rand(2, 3, 16, 16)
    assert made.restore(tensor).allclose(tensor, atol=1e-6)
    image = Image.fromarray(np.stack([GREY] * 4, -1))
    assert np.array_equal(np.asarray(made.restore(image)), np.asarray(image))
    stack = np.stack([GREY, 255 - GREY, GREY // 2])
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, metadata={"axes": "CYX"})
    assert np.array_equal(made.restore(tmp_path / "a.ome.tif"), stack)
    assert np.array_equal(made.restore(str(tmp_path / "a.ome.tif"), choose={"channel": 1}), stack[1])


def test_noise_beyond_black_and_white_reaches_the_network() -> None:
    noisy = RANDOM.normal(0.5, 2, (20, 22)).astype(np.float32)
    assert np.allclose(straight().restore(noisy), noisy, atol=1e-5)


def test_nothing_is_written_into_what_was_given() -> None:
    """Not even by a network that works in place."""
    brighter = replace(straight(), module=Brighter())
    values = np.zeros((16, 16), np.float32)
    tensor = torch.from_numpy(values)
    for given in (values, tensor):
        assert np.allclose(np.asarray(brighter.restore(given)), RESTORED)
    assert not values.any()


def test_the_numbers_that_it_has_learnt_from_are_taken_in_its_range() -> None:
    """Whole ones of its types; a range that is asked for goes before, and is one for every type."""
    learnt = replace(straight(value_range=ValueRange(low=0, high=4095, kinds=("uint16",))), module=Brighter())
    numbers = np.full((16, 16), 1000, np.uint16)
    assert (learnt.restore(numbers) == 1000 + round(4095 * RESTORED)).all()
    assert (learnt.restore(numbers, value_range=(0, 1000)) == 1250).all()
    assert (learnt.restore(numbers, value_range=ValueRange(low=0, high=1000)) == 1250).all()
    assert (learnt.restore(GREY[:16, :16] // 8, value_range=(0, 100)) == GREY[:16, :16] // 8 + 25).all()
    assert np.allclose(learnt.restore(np.full((16, 16), 500.0), value_range=(0, 1000)), 750)


@pytest.mark.parametrize("asked", [(1, 0), (0, 0), (0, np.inf), (0, 1, 2), 5, "ab", (None, 1)])
def test_a_range_that_is_none_is_told(asked: Any) -> None:
    with pytest.raises(InputError, match=r"A range of values is \(low, high\)"):
        straight().restore(GREY, value_range=asked)


def test_a_network_that_enlarges_enlarges() -> None:
    """What it has learnt from, other sizes, colour, several, and transparency."""
    upscaler = network("upscaler", (1, 14, 14), (1, 28, 28))
    assert upscaler.restore(np.zeros((14, 14), np.uint8)).shape == (28, 28)
    assert upscaler.restore(np.zeros((15, 20, 3), np.uint8)).shape == (30, 40, 3)
    assert upscaler.restore(torch.zeros(2, 3, 15, 20)).shape == (2, 3, 30, 40)
    found = upscaler.restore(Image.new("RGBA", (20, 15)))
    assert (found.mode, found.size) == ("RGBA", (40, 30))


@pytest.mark.parametrize("shape", [(2,), (5, 2)])
def test_points_are_restored_and_encoded(shape: tuple[int, ...]) -> None:
    made = network({"dense": {"widths": [6], "code": 3}}, (2,))
    given = RANDOM.normal(size=shape).astype(np.float32)
    assert made.restore(given).shape == shape
    assert made.restore(torch.from_numpy(given)).shape == shape
    assert made.encode(given).shape == (len(given) if len(shape) == 2 else 1, 3)
    with pytest.raises(InputError, match="no pictures"):
        made.restore("a.png")
    with pytest.raises(InputError, match="need a network that turns images"):
        made.interval(given)


def test_codes_are_those_of_the_encoder() -> None:
    """A tensor of a tensor, else an array; a single picture is a batch of one."""
    made = network({"dense": {"widths": [6], "code": 3}})
    images = torch.rand(7, 1, 16, 16)
    codes = made.encode(images)
    with torch.inference_mode():
        assert codes.allclose(made.module.encoder(images), atol=1e-6)
    assert np.allclose(made.encode(images[:, 0].numpy()), codes, atol=1e-6)
    assert made.encode(images[0, 0].numpy()).shape == (1, 3)
    with pytest.raises(InputError, match=r"Codes are made of samples of shape \(1, 16, 16\); got \(1, 20, 22\)"):
        made.encode(GREY)


def test_samples_have_one_axis_more() -> None:
    """In front, whatever the size and the type; each seed draws its own, and the same again."""
    sampler = network({"unet": {"widths": [8, 8], "sampler": True}})
    with torch.no_grad():
        sampler.module.get_parameter("encoder.blocks.0.first.weight").mul_(8)  # so that samples differ visibly
    for values in (GREY[:16, :16], GREY, np.stack([GREY] * 3, -1), np.zeros((2, 1, 16, 16), np.float32)):
        drawn = sampler.sample(values, 3, steps=2)
        assert drawn.shape == (3, *values.shape)
        assert drawn.dtype == values.dtype
        assert not np.array_equal(drawn[0], drawn[1])
        assert np.array_equal(sampler.sample(values, steps=2)[0], drawn[0])
        assert not np.array_equal(sampler.sample(values, steps=2, seed=1)[0], drawn[0])
    pictures = sampler.sample(Image.fromarray(GREY), 2, steps=2)
    assert [(it.mode, it.size) for it in pictures] == [("L", (22, 20))] * 2
    assert sampler.sample(torch.zeros(16, 16), np.int64(2), steps=2).shape == (2, 16, 16)
    for wrong in ({"count": 0}, {"count": 1.5}, {"count": "a"}):
        with pytest.raises(InputError, match="At least one sample is drawn; got a count of"):
            sampler.sample(GREY, **wrong)
    for named, value in (("steps", 0), ("seed", -1), ("steps", "a")):
        with pytest.raises(InputError, match=rf"Samples cannot be drawn so: sample\.{named}: Input should be"):
            sampler.sample(GREY, **{named: value})
    with pytest.raises(InputError, match=r"cannot draw samples. Train one that can"):
        straight().sample(GREY)


@pytest.mark.parametrize("tile", [-1, 1, 31, 32.5, "a", None])
def test_a_tile_that_is_none_is_told(tile: Any) -> None:
    with pytest.raises(InputError, match=r"A tile has a side of at least 32 pixels, best k \* 64, or 0; got"):
        straight().restore(GREY, tile=tile)


def test_tiles_change_no_size_and_belong_to_networks_of_any_size() -> None:
    values = RANDOM.integers(0, 256, (70, 50), np.uint8)
    assert np.array_equal(straight().restore(values, tile=32), values)
    with pytest.raises(InputError, match="another tile cannot be chosen"):
        network().restore(values, tile=64)


@pytest.mark.parametrize("choose", ["channel", 5, None, ["channel"]])
def test_a_choice_that_is_none_is_told(choose: Any) -> None:
    with pytest.raises(InputError, match="What is chosen is named by its dimension, as"):
        straight().restore(GREY, choose=choose)


def test_a_network_that_gives_nan_is_told() -> None:
    """In its own size and in another."""
    made = network({"dense": {"widths": [6], "code": 3}})
    nn.init.constant_(next(made.module.parameters()), torch.nan)
    for values in (GREY[:16, :16], GREY):
        with pytest.raises(NonFiniteError, match="NaN or infin"):
            made.restore(values)


@pytest.fixture
def bounded(tmp_path: Path) -> TrainedNetwork:
    """The U-Net that changes nothing, from its file, with error bars beside it: as wide as an error network guesses."""
    made, weights = straight(), tmp_path / "weights.safetensors"
    save_tensors(weights, made.module.state_dict(), made.header)
    held = Interval(mean=0.95, low=0.9, high=1, n=10)
    report = ErrorBarsReport(
        method="learned", level=0.9, calibrated_on=40, shape=(1, 16, 16), pictures=10, uncertain=0.3, coverage=held,
        certain_coverage=held, quintiles=(), width=0.2, constant_width=0.3, whole_width=0.1, whole_constant_width=0.2,
        whole_shorter=None, shorter=held, db_level=0.95, db_held=held, promised_db=20, restored_db=22,
    )  # fmt: skip
    header = ErrorBarsHeader(
        weights_sha256=tensors_digest(made.module.state_dict()), dataset="digits", corruptions="erasure(p=0.5)",
        sigma=0, channels=1, decibel_shift=-1, constant=0.4, report=report,
    )  # fmt: skip
    thresholds = Thresholds(torch.linspace(0, 1, 16).expand(2, -1), torch.full((2, 16), 0.9))
    torch.manual_seed(0)
    bars = ErrorBars(LearnedEstimator(ErrorNetwork(1).eval(), 0.9), thresholds, 0.9, -1, 0.4, 40)
    save_error_bars(tmp_path / NAME, bars, header)
    return load(weights, device="cpu")


def test_bounds_lie_around_what_is_restored(bounded: TrainedNetwork) -> None:
    """As the caller has his own, of one picture or several; a PSNR for each."""
    for values in (GREY[:16, :16], GREY, np.stack([GREY] * 3, -1), np.stack([GREY] * 2), np.uint16(GREY) * 257):
        found = bounded.interval(values)
        assert found.level == 0.9
        assert found.lower.dtype == found.upper.dtype == values.dtype
        assert np.array_equal(found.restored, bounded.restore(values))
        assert (found.lower <= found.restored).all()
        assert (found.restored <= found.upper).all()
        assert (found.lower < found.upper).any()
        assert len(found.promised_db) == (2 if values.shape[0] == 2 else 1)
    assert bounded.interval(Image.fromarray(GREY)).lower.mode == "L"


def test_bounds_of_whole_numbers_are_those_of_values_rounded_outwards(bounded: TrainedNetwork) -> None:
    """So that rounding breaks no promise: within a step, and never inside."""
    whole, exact = bounded.interval(GREY), bounded.interval(GREY / np.float32(255))
    slack = 1e-3
    assert (whole.lower <= exact.lower * 255 + slack).all()
    assert (whole.upper >= exact.upper * 255 - slack).all()
    assert (whole.lower > exact.lower * 255 - 1 - slack).all()
    assert (whole.upper < exact.upper * 255 + 1 + slack).all()


def test_bounds_of_floats_are_not_rounded(bounded: TrainedNetwork) -> None:
    """Neither values nor those of a range; and they hold what lies beyond black and white."""
    exact = bounded.interval(GREY / np.float32(255))
    ranged = bounded.interval(GREY / np.float32(255) / 2, value_range=(0, 0.5))
    assert np.allclose(ranged.lower * 2, exact.lower, atol=1e-5)
    assert np.allclose(ranged.upper * 2, exact.upper, atol=1e-5)
    found = bounded.interval(RANDOM.normal(0.5, 2, (16, 16)))
    assert (found.lower <= found.restored).all()
    assert (found.restored <= found.upper).all()


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, "a", None, float("nan")])
def test_a_level_that_is_none_is_told(bounded: TrainedNetwork, level: Any) -> None:
    with pytest.raises(InputError, match=r"A level is a share of values between 0 and 1, as 0.9; got"):
        bounded.interval(GREY, level)


def test_bounds_that_are_not_there_are_told(bounded: TrainedNetwork, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds bounds at 90%, and 80% was asked"):
        bounded.interval(GREY, 0.8)
    (tmp_path / NAME).unlink()
    with pytest.raises(InputError, match="Name the run in its place"):
        bounded.interval(GREY)


def test_outwards_leaves_whole_steps_and_goes_beyond_no_other() -> None:
    """A bound that is a step but for rounding stays; each other goes to the next one outside."""
    scale = Scale(0, 255, 0, 255)
    steps = torch.arange(256.0)[None, None] / 255
    same = PictureBars(steps, steps, 30).outwards(scale)
    assert (same.lower * 255).round().equal((steps * 255).round())
    assert (same.upper * 255).round().equal((steps * 255).round())
    between = torch.tensor([[[10.01, 10.5, 10.99]]]) / 255
    found = PictureBars(between, between, 30).outwards(scale)
    assert (found.lower * 255).round().flatten().tolist() == [10, 10, 10]
    assert (found.upper * 255).round().flatten().tolist() == [11, 11, 11]
    shifted = PictureBars(torch.tensor([0.25]), torch.tensor([0.26]), 30).outwards(Scale(-100, 100, -(2**15), 2**15))
    assert (shifted.lower * 200 - 100).round().item() == -50
    assert (shifted.upper * 200 - 100).round().item() == -48


def test_arrays_that_cannot_be_written_are_taken(bounded: TrainedNetwork) -> None:
    """As Pillow gives them of floats; without a warning."""
    bounded.restore(Image.fromarray(np.float32(GREY) / 255))
    bounded.interval(np.broadcast_to(np.float32(0.5), (16, 16)))


def test_nothing_is_promised_for_pictures_of_another_kind(bounded: TrainedNetwork) -> None:
    own = GREY[:16, :16]
    assert bounded.interval(own).unlike == ""
    assert bounded.interval(GREY).unlike == "another size than 16x16"
    assert bounded.interval(np.dstack([own] * 3)).unlike == "other channels"
