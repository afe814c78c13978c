"""The published contract: every built-in keeps it, and each check catches what it names."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ConfigDict, Field
from torch import Generator, Tensor, nn

from daecore import (
    Architecture,
    Autoencoder,
    Batch,
    Corruption,
    Corruptor,
    Dataset,
    Extension,
    Objective,
    Options,
    Samples,
    Splits,
    Strength,
    as_float,
)
from daecore.errors import SamplesError
from daecore.plugin.installed import Installed
from daecore.plugin.registry import registry
from daecore.plugin.spec import spec
from daecore.testing import check_extension, contract
from daecore.testing.bias import LAST, TOLERANCE, measure_bias
from daecore.testing.drawing import pictures

OURS = [item for _, item in sorted(registry().extensions.items()) if item.provenance.distribution == "daecore"]
BUILT_IN = [item for item in OURS if item.kind != "series"]  # whose studies take a minute: see test_series_contract.py


@pytest.mark.parametrize("item", BUILT_IN, ids=lambda item: f"{item.kind}-{item.extension.name}")
def test_every_built_in_keeps_the_contract(item: Installed, tmp_path: Path) -> None:
    """The same checks as a stranger's; datasets that need a download are checked where they are at hand."""
    fewer = {"train": 100, "validation": 100, "test": 100}  # of datasets that can be cut: the same code, less of it
    cut = item.kind == "dataset" and fewer.keys() <= item.extension.options.model_fields.keys()
    options = item.extension.options(**fewer) if cut else None
    cache = CACHE if isinstance(item.extension, Dataset) and item.extension.download_bytes else tmp_path
    found = check_extension(item.extension, options, cache=cache)
    assert [finding for finding in found if finding.state == "failed"] == []


@pytest.mark.parametrize("name", ["dense", "unet"])
def test_networks_that_draw_keep_the_contract(name: str, tmp_path: Path) -> None:
    """They are asked at several times, too, and what is hidden is nothing to them."""
    extension = registry().find("architecture", name).extension
    found = check_extension(extension, extension.options(sampler=True), cache=tmp_path)
    assert {finding.state for finding in found} == {"passed"}


CACHE = Path("/nonexistent/daecore")  # whatever cannot be had is not checked


class Fine(Options):
    """Nothing happens to the picture."""

    level: float = Field(default=0.5, ge=0, le=1, description="how much, from 0 to 1")


def fine(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return x * (1 - options.level)


def uniform_noise(x, options, *, generator):
    """Of the right deviation."""
    return x + 0.1 * 12**0.5 * (torch.rand(x.shape, generator=generator) - 0.5)


def coloured_noise(x, options, *, generator):
    """Each value shares half of its noise with its right neighbour."""
    noise = torch.randn(x.shape, generator=generator)
    return x + 0.1 * (noise + noise.roll(1, -1)) / 2**0.5


def louder_noise(x, options, *, generator):
    """Of another deviation."""
    return x + 0.2 * torch.randn(x.shape, generator=generator)


def growing_noise(x, options, *, generator):
    """As shot noise: the brighter the louder."""
    return x + 0.1 * x.sqrt() / x.mean().sqrt() * torch.randn(x.shape, generator=generator)


GOOD = Corruption(
    name="fine", options=Fine, function=fine, shapes="images", strength=Strength("level", 0, 0.1, 0.9), per_image=True
)


class NoDefault(Options):
    """A corruption."""

    level: float = Field(ge=0, le=1, description="how much")


class NoWords(Options):
    """A corruption."""

    level: float = Field(default=0.5, ge=0, le=1)


class NoDocstring(Options):
    level: float = Field(default=0.5, ge=0, le=1, description="how much")


NoDocstring.__doc__ = None


class NoRange(Options):
    """A corruption."""

    level: float = Field(default=0.5, ge=0, description="how much")


class Loose(Options):
    """A corruption."""

    model_config = ConfigDict(extra="allow")
    level: float = Field(default=0.5, ge=0, le=1, description="how much")


class Forgetful(Options):
    """A corruption."""

    level: Any = Field(default=(1, 2), description="how much")


def in_place(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return x.mul_(1 - options.level)


def smaller(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return x[..., :-1]


def double(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return (x * (1 - options.level)).double()


def global_torch(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return x + torch.rand(x.shape)


def global_numpy(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return x + float(np.random.rand())


def global_python(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return x + random.random()


COUNT = [0]


def counting(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    COUNT[0] += 1
    return x + COUNT[0]


def noisy(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return x + options.level * torch.randn(x.shape, generator=generator, device=x.device)


def dividing(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return x / x.sum((1, 2, 3), keepdim=True)


def half_masked(x: Tensor, options: Any, *, generator: Generator) -> tuple[Tensor, Tensor]:
    return x * (1 - options.level), x > 0.9


def float_masked(x: Tensor, options: Any, *, generator: Generator) -> tuple[Tensor, Tensor]:
    return x * (1 - options.level), torch.ones_like(x)


def waiting(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return x * (1 - options.level) if x.max().item() > 0 else x


def rounding(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    return x @ torch.ones(x.shape[-1], x.shape[-1], device=x.device) * (1 - options.level)


def scalar_only(x: Tensor, options: Any, *, generator: Generator) -> Tensor:
    level = options.level if isinstance(options.level, float) else 0.0
    return x * (1 - level)


BROKEN = {
    "every option is described": [replace(GOOD, options=NoWords), replace(GOOD, options=NoDocstring)],
    "every number has a range": [replace(GOOD, options=NoRange)],
    "unknown options are refused": [replace(GOOD, options=Loose)],
    "options survive JSON": [replace(GOOD, options=Forgetful)],
    "every option has a default": [replace(GOOD, options=NoDefault)],
    "shapes are as declared": [replace(GOOD, function=smaller)],
    "type and device are kept": [replace(GOOD, function=double)],
    "the clean batch is not changed": [replace(GOOD, function=in_place)],
    "no global random state is touched": [
        replace(GOOD, function=function) for function in (global_torch, global_numpy, global_python)
    ],
    "one generator state gives one result": [replace(GOOD, function=counting)],
    "it is as random as declared": [replace(GOOD, function=noisy), replace(GOOD, random=True)],
    "the result is finite": [replace(GOOD, function=dividing)],
    "the mask covers what changed": [replace(GOOD, function=half_masked), replace(GOOD, function=float_masked)],
    "nothing happens at the identity": [replace(GOOD, strength=Strength("level", 0.5, 0.1, 0.9))],
    "PSNR does not rise with strength": [replace(GOOD, strength=Strength("level", 0, 0.9, 0.1))],
    "a strength per image works": [replace(GOOD, function=scalar_only), replace(GOOD, strength=None)],
    "the host is not waited for": [replace(GOOD, function=waiting)],
    "mixed precision does not change it": [replace(GOOD, function=rounding)],
    "another process computes the same": [replace(GOOD, function=lambda x, options, *, generator: x)],
    "it is as unbiased as declared": [replace(GOOD, unbiased=True)],
    "it is the white Gaussian noise that it declares": [
        replace(GOOD, function=function, random=True, gaussian_sigma=lambda options: 0.1)
        for function in (uniform_noise, coloured_noise, louder_noise, growing_noise)
    ],
}


def findings(extension: Extension) -> dict[str, Any]:
    return {finding.check: finding for finding in check_extension(extension)}


def test_a_good_one_passes_everything() -> None:
    assert {finding.state for finding in findings(GOOD).values()} <= {"passed", "not checked"}


@pytest.mark.parametrize(
    ("fact", "extension"),
    [(fact, one) for fact, broken in BROKEN.items() for one in broken],
    ids=lambda it: str(it)[:40],
)
def test_each_check_catches_what_it_names(fact: str, extension: Extension) -> None:
    """It says what was expected, what came, and what to do."""
    found = findings(extension)[fact]
    assert found.state == "failed", found
    assert "xpected" in found.said
    assert ";" in found.said


class Empty(Options):
    """Nothing to choose."""


def dataset(**parts: Any) -> Dataset:
    values = torch.arange(30 * 16, dtype=torch.int64).remainder(251).to(torch.uint8).reshape(30, 1, 4, 4)
    labels = torch.arange(30) % 2
    splits = Splits(
        Samples(values[:20], labels[:20]),
        Samples(values[20:25], labels[20:25]),
        (Samples(values[25:], labels[25:]),),
        2,
    )

    def load(options: Empty, *, cache: Path) -> Splits:
        made = {name: part() if callable(part) else part for name, part in parts.items()}
        return replace(splits, **made)

    return Dataset(
        name="mine", options=Empty, function=load, shapes="images", classes=2, sample_shape=lambda options: (1, 4, 4)
    )


SOME = Samples(torch.zeros(5, 1, 4, 4, dtype=torch.uint8), torch.arange(5) % 2)


def test_a_good_dataset_passes() -> None:
    assert {finding.state for finding in findings(dataset()).values()} == {"passed"}


@pytest.mark.parametrize(
    ("fact", "extension"),
    [
        ("samples are stored by the tensor rule", dataset(train=lambda: Samples(torch.rand(5, 1, 4, 4).double()))),
        ("samples are stored by the tensor rule", dataset(train=lambda: Samples(SOME.data, torch.zeros(5, 2)))),
        ("samples are stored by the tensor rule", dataset(test=SOME)),
        ("samples are stored by the tensor rule", dataset(validation=SOME.select(torch.arange(0)))),
        ("the shape is as declared", dataset(train=Samples(torch.zeros(5, 1, 3, 4, dtype=torch.uint8), SOME.labels))),
        ("labels and classes are as declared", dataset(classes=3)),
        ("labels and classes are as declared", dataset(train=Samples(SOME.data))),
        (
            "values are finite, those of images from 0 to 1",
            dataset(train=Samples(torch.full((5, 2), torch.nan), SOME.labels)),
        ),
        (
            "values are finite, those of images from 0 to 1",
            dataset(train=Samples(torch.rand(5, 1, 4, 4) + 1, SOME.labels)),
        ),
        ("labels and classes are as declared", dataset(train=Samples(SOME.data, torch.zeros(5, dtype=torch.int64)))),
        ("no sample is in two sets", dataset(train=SOME, validation=SOME)),
        ("no sample is in two sets", dataset(train=SOME, validation=Samples(as_float(SOME.data), SOME.labels))),
    ],
)
def test_each_dataset_check_catches_what_it_names(fact: str, extension: Extension) -> None:
    assert findings(extension)[fact].state == "failed"


def test_a_dataset_whose_samples_are_refused_is_told_what_its_users_would_be_told() -> None:
    """The author reads the very sentence, once; what cannot be checked without samples is not."""
    found = findings(dataset(train=lambda: Samples(torch.rand(5, 4, 4))))
    with pytest.raises(SamplesError) as told:
        Samples(torch.rand(5, 4, 4))
    said = found.pop("samples are stored by the tensor rule").said
    assert said == f"Expected samples that are stored by the tensor rule; they were refused. {told.value}"
    assert {finding.state for finding in found.values() if finding.check != "another process computes the same"} <= {
        "not checked", "passed",
    }  # fmt: skip


def test_a_dataset_that_cannot_be_had_is_not_checked(tmp_path: Path) -> None:
    found = check_extension(registry().find("dataset", "image_folder").extension, cache=tmp_path)
    assert "needs a folder" in next(finding.said for finding in found if finding.state == "not checked")


def architecture(encoder: nn.Module, decoder: nn.Module) -> Architecture:
    return Architecture(
        name="mine", options=Empty, shapes="images",
        function=lambda options, *, input_shape, output_shape: Autoencoder(encoder, decoder),
    )  # fmt: skip


class Unused(nn.Identity):
    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Parameter(torch.zeros(3))


class Deciding(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.sum() > 0 else x


@pytest.mark.parametrize(
    ("fact", "extension"),
    [
        ("input becomes output, odd sizes too", architecture(nn.AvgPool2d(2), nn.Upsample(scale_factor=2))),
        ("every parameter has a gradient", architecture(nn.LazyConv2d(1, 1), Unused())),
        ("it can be exported as pt2", architecture(Deciding(1, 1, 1), nn.Identity())),
    ],
)
def test_each_architecture_check_catches_what_it_names(fact: str, extension: Extension) -> None:
    assert findings(extension)[fact].state == "failed"


def objective(function: Any) -> Objective:
    return Objective(name="mine", options=Empty, function=lambda options, corruptor: function)


def by_class(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
    """A loss that silently drops a term where the network is wrapped."""
    code = model.encoder(batch.clean).square().mean() if isinstance(model, Autoencoder) else 0
    return (model(batch.clean) - batch.clean).square().mean() + code


@pytest.mark.parametrize(
    ("fact", "loss"),
    [
        ("the loss is a finite scalar", lambda model, batch, generator: (model(batch.clean) - batch.clean).square()),
        ("the loss is a finite scalar", lambda model, batch, generator: model(batch.clean).mean() / 0),
        (
            "it has gradients",
            lambda model, batch, generator: (model(batch.clean) - batch.clean).detach().square().mean(),
        ),
        ("it is smallest at the right place", lambda model, batch, generator: model(batch.clean).square().mean()),
        (
            "one generator state gives one loss",
            lambda model, batch, generator: model(batch.clean).mean() * torch.rand(()),
        ),
        ("a wrapped network has the same loss", by_class),
    ],
)
def test_each_objective_check_catches_what_it_names(fact: str, loss: Any) -> None:
    assert findings(objective(loss))[fact].state == "failed"


@pytest.mark.parametrize("chosen", [{"gaussian_noise": {}}, {"shot_noise": {}}, {"erasure": {"rescale": True}}])
def test_the_licence_is_given_where_the_mean_stays(chosen: dict[str, Any]) -> None:
    one = spec("corruption", chosen)
    bias = measure_bias(one.extension, one.options, pictures((1, 28, 28), 16))
    assert bias.high < TOLERANCE


@pytest.mark.parametrize(
    "chosen",
    [
        {"gaussian_noise": {"clip": True}},
        {"erasure": {}},
        {"blur": {}},
        {"salt_pepper": {}},
        {"block_mask": {"size": 5}},
    ],
)
def test_a_false_claim_is_refused(chosen: dict[str, Any]) -> None:
    """The 99.9 % interval of the mean absolute bias lies above the tolerance."""
    one = spec("corruption", chosen)
    bias = measure_bias(one.extension, one.options, pictures((1, 28, 28), 16))
    assert bias.low > TOLERANCE
    claimed = replace(one.extension, unbiased=True)
    found = check_extension(claimed, one.options)
    (licence,) = [finding for finding in found if finding.check == "it is as unbiased as declared"]
    assert licence.state == "failed"
    assert "Declare unbiased=False" in licence.said


def test_a_hard_case_doubles_its_draws() -> None:
    """Strong noise hides a small bias for longer than the first draws last."""
    hidden = replace(GOOD, function=lambda x, options, *, generator: noisy(x, options, generator=generator) + 0.004)
    bias = measure_bias(hidden, Fine(level=1), pictures((1, 9, 12), 4))
    assert 128 < bias.draws <= LAST


@contract("corruption", "erasure", p=0.3)
def test_the_decorator_runs_a_test_per_check(check: Any) -> None:
    """What a plugin's own test file holds."""
    check()


def test_a_mixture_chooses_one_way_for_each_picture() -> None:
    """By the weights: a quarter of the pictures stays as it is."""
    chosen = {"mixture": {"corruptions": [{"erasure": {"p": 0}}, {"erasure": {"p": 1}}], "weights": [1, 3]}}
    x = torch.full((4000, 1, 4, 4), 0.5)
    result = Corruptor([spec("corruption", chosen)])(x, torch.Generator().manual_seed(0))
    dark = (result.x == 0).flatten(1)
    assert (dark.all(1) | ~dark.any(1)).all()
    assert dark[:, 0].float().mean().item() == pytest.approx(0.75, abs=0.03)
    assert torch.equal(result.touched.flatten(1)[:, 0], dark[:, 0])


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"mixture": {"corruptions": [{"mixture": {}}]}}, "itself made of corruptions"),
        ({"mixture": {"weights": [1, 2, 3]}}, "one number for each of the 2 corruptions"),
        ({"mixture": {"corruptions": []}}, "at least 1"),
        ({"at_random_strength": {"corruption": {"block_mask": {}}}}, "takes one strength for a whole batch"),
        ({"at_random_strength": {"high": 11}}, "sigma=11.0 is no strength of gaussian_noise"),
    ],
)
def test_a_corruption_of_corruptions_that_cannot_be_is_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec("corruption", chosen)


def test_a_random_strength_differs_from_picture_to_picture() -> None:
    x = torch.zeros(2000, 1, 16, 16)
    chosen = {"at_random_strength": {"corruption": {"gaussian_noise": {}}, "low": 0.1, "high": 0.5}}
    levels = Corruptor([spec("corruption", chosen)])(x, torch.Generator().manual_seed(0)).x.flatten(1).std(1)
    assert 0.08 < levels.min() < 0.13
    assert 0.46 < levels.max() < 0.58
    assert levels.mean().item() == pytest.approx(0.3, abs=0.01)


def test_motion_blur_keeps_a_flat_picture_and_smears_a_dot() -> None:
    blur = Corruptor([spec("corruption", {"motion_blur": {"length": 8}})])
    flat = torch.full((3, 1, 21, 21), 0.7)
    torch.testing.assert_close(blur(flat, torch.Generator().manual_seed(0)).x, flat)
    dot = torch.zeros(200, 1, 21, 21)
    dot[:, :, 10, 10] = 1
    smeared = blur(dot, torch.Generator().manual_seed(0)).x
    assert smeared.sum((1, 2, 3)).mean().item() == pytest.approx(1, abs=0.05)
    assert ((smeared > 0.01).sum((1, 2, 3)).float().mean() > 7).item()


def test_jpeg_is_lossy_and_grey_stays_grey() -> None:
    x = pictures((1, 28, 28), 4)
    good, bad = (
        Corruptor([spec("corruption", {"jpeg": {"quality": quality}})])(x, torch.Generator()).x for quality in (95, 5)
    )
    assert good.shape == x.shape
    assert (good - x).square().mean() < (bad - x).square().mean()


def test_speckle_leaves_black_and_grows_with_the_signal() -> None:
    x = torch.tensor([0.0, 0.25, 1.0]).repeat_interleave(50_000).reshape(3, 1, 100, 500)
    noise = Corruptor([spec("corruption", {"speckle": {"sigma": 0.2}})])(x, torch.Generator().manual_seed(0)).x - x
    assert noise[0].count_nonzero() == 0
    assert noise[1].std().item() == pytest.approx(0.05, rel=0.03)
    assert noise[2].std().item() == pytest.approx(0.2, rel=0.03)


def test_impulses_take_any_value() -> None:
    x = torch.full((50, 1, 28, 28), 0.5)
    result = Corruptor([spec("corruption", {"impulse": {"p": 0.3}})])(x, torch.Generator().manual_seed(0))
    values = result.x[result.touched]
    assert result.touched.float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert values.mean().item() == pytest.approx(0.5, abs=0.01)
    assert values.var().item() == pytest.approx(1 / 12, rel=0.03)


def test_nested_specs_keep_their_origin_on_record() -> None:
    """A run with a mixture records the plugins inside it, too."""
    from daecore.experiment.provenance import provenance

    assert {"corruption mixture", "corruption erasure", "corruption gaussian_noise"} <= set(
        provenance([spec("corruption", "mixture")])
    )
