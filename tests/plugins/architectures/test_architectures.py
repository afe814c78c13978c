"""Facts about the built-in architectures: shapes, gradients, and what they refuse."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from daecore import Autoencoder
from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import Batch
from daecore.model.autoencoder import parameter_count
from daecore.plugin.spec import spec

Shape = tuple[int, ...]
CASES: list[tuple[str, dict[str, Any], Shape, Shape]] = [
    ("dense", {}, (1, 28, 28), (1, 28, 28)),
    ("dense", {"widths": [64], "code": 1}, (2,), (2,)),
    ("dense", {"code": 8}, (1, 14, 14), (3, 28, 28)),
    ("conv", {}, (1, 28, 28), (1, 28, 28)),
    ("conv", {"code": 16}, (3, 8, 8), (3, 8, 8)),
    ("conv", {"widths": [8, 8, 8]}, (1, 33, 21), (1, 33, 21)),
    ("unet", {}, (1, 28, 28), (1, 28, 28)),
    ("unet", {"widths": [4, 8, 16, 16]}, (3, 9, 15), (3, 9, 15)),
    ("unet", {"widths": [4, 8]}, (1, 14, 14), (1, 28, 28)),
    ("unet", {"widths": [4, 8], "sampler": True}, (3, 9, 15), (3, 9, 15)),
    ("unet", {"widths": [4, 8], "sampler": True}, (1, 14, 14), (1, 28, 28)),
    ("dense", {"code": 8, "sampler": True}, (1, 14, 14), (3, 28, 28)),
    ("upscaler", {}, (1, 14, 14), (1, 28, 28)),
    ("upscaler", {}, (3, 14, 14), (3, 28, 28)),
    ("tiny", {}, (1, 28, 28), (1, 28, 28)),
    ("tiny", {}, (3, 15, 10), (3, 15, 10)),
]
FIRST_OF_EACH = [CASES[0], CASES[3], CASES[6], CASES[12], CASES[14]]


def built(name: str, options: dict[str, Any], input_shape: Shape, output_shape: Shape | None = None) -> Autoencoder:
    chosen = spec("architecture", {name: options})
    model = chosen.extension.function(chosen.options, input_shape=input_shape, output_shape=output_shape or input_shape)
    assert isinstance(model, Autoencoder)
    return model


@pytest.mark.parametrize(("name", "options", "input_shape", "output_shape"), CASES)
def test_it_maps_its_input_shape_to_its_output_shape(
    name: str, options: dict[str, Any], input_shape: Shape, output_shape: Shape
) -> None:
    model = built(name, options, input_shape, output_shape)
    x = torch.rand(2, *input_shape)
    assert model(x).shape == (2, *output_shape)
    assert model.encoder(x).shape[0] == 2


@pytest.mark.parametrize(("name", "options", "input_shape", "output_shape"), FIRST_OF_EACH)
def test_the_gradient_reaches_every_parameter(
    name: str, options: dict[str, Any], input_shape: Shape, output_shape: Shape
) -> None:
    model = built(name, options, input_shape, output_shape)
    model(torch.rand(4, *input_shape)).square().mean().backward()
    dead = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


@pytest.mark.parametrize(("name", "options", "input_shape", "output_shape"), FIRST_OF_EACH)
def test_it_is_built_and_run_on_the_meta_device(
    name: str, options: dict[str, Any], input_shape: Shape, output_shape: Shape
) -> None:
    with torch.device("meta"):
        restored = built(name, options, input_shape, output_shape)(torch.empty(2, *input_shape))
    assert restored.shape == (2, *output_shape)


@pytest.mark.parametrize(("name", "options", "input_shape", "output_shape"), FIRST_OF_EACH)
def test_it_can_be_exported_for_any_batch_size(
    name: str, options: dict[str, Any], input_shape: Shape, output_shape: Shape
) -> None:
    model = built(name, options, input_shape, output_shape).eval()
    batch = {0: torch.export.Dim("batch", min=1, max=512)}
    exported = torch.export.export(model, (torch.rand(2, *input_shape),), dynamic_shapes=(batch,))
    x = torch.rand(5, *input_shape)
    torch.testing.assert_close(exported.module()(x), model(x))


@pytest.mark.parametrize(("name", "options", "input_shape", "output_shape"), FIRST_OF_EACH[1:])
def test_channels_last_changes_the_layout_only(
    name: str, options: dict[str, Any], input_shape: Shape, output_shape: Shape
) -> None:
    model = built(name, options, input_shape, output_shape)
    x = torch.rand(2, *input_shape)
    expected = model(x)
    turned = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.testing.assert_close(turned(x.contiguous(memory_format=torch.channels_last)), expected, rtol=1e-3, atol=1e-4)


def test_dense_is_mirrored() -> None:
    model = built("dense", {}, (1, 28, 28))
    sizes = [layer.out_features for layer in model.modules() if isinstance(layer, nn.Linear)]
    assert sizes == [512, 256, 32, 256, 512, 784]


@pytest.mark.parametrize("name", ["dense", "conv"])
def test_the_code_has_the_size_that_was_asked_for(name: str) -> None:
    assert built(name, {"code": 7}, (1, 28, 28)).encoder(torch.rand(3, 1, 28, 28)).shape == (3, 7)


def test_the_code_of_a_unet_is_its_coarsest_level_averaged() -> None:
    assert built("unet", {}, (1, 28, 28)).encoder(torch.rand(3, 1, 28, 28)).shape == (3, 96)


@pytest.mark.parametrize("size", [(8, 8), (11, 17), (64, 40)])
def test_a_unet_takes_images_of_other_sizes(size: Shape) -> None:
    x = torch.rand(2, 1, *size)
    assert built("unet", {}, (1, 28, 28))(x).shape == x.shape


def test_the_upscaler_has_the_parameters_of_the_lecture() -> None:
    """Weights in x out x kernel^2 and a bias per output channel, layer by layer."""
    layers = [(1, 32, 5), (32, 32, 5), (32, 32, 4), (32, 32, 3)]
    layers += [(32, 32, 4), (32, 32, 3), (32, 32, 4), (32, 32, 5), (32, 1, 5)]
    expected = sum(before * after * kernel**2 + after for before, after, kernel in layers)
    model = built("upscaler", {}, (1, 14, 14), (1, 28, 28))
    assert parameter_count(model) == expected == 120_641
    assert model.encoder(torch.rand(2, 1, 14, 14)).shape == (2, 32, 1, 1)


def test_tiny_has_the_parameters_of_its_source() -> None:
    """Channels 1-10-10-10-1 of 3x3 with biases, a code of 7x7x10 numbers, and answers between 0 and 1."""
    model = built("tiny", {}, (1, 28, 28))
    assert parameter_count(model) == (9 + 1) * 10 + (90 + 1) * 10 + (90 + 1) * 10 + (90 + 1) == 2_011
    assert model.encoder(torch.rand(2, 1, 28, 28)).shape == (2, 10, 7, 7)
    assert [type(layer).__name__ for layer in (*model.encoder, *model.decoder)][1::2] == 4 * ["Sigmoid"]


def test_the_upscaler_is_the_lectures_network_layer_by_layer() -> None:
    """Convolutions of kernel 5, 5, 4, 3; back by 4, 3 and 4 in steps of two, 5, 5; ReLU between, within each part."""
    model = built("upscaler", {}, (1, 14, 14), (1, 28, 28))
    down = [nn.Conv2d(1, 32, 5), nn.Conv2d(32, 32, 5), nn.Conv2d(32, 32, 4), nn.Conv2d(32, 32, 3)]
    up = [
        nn.ConvTranspose2d(32, 32, 4),
        nn.ConvTranspose2d(32, 32, 3, stride=2),
        nn.ConvTranspose2d(32, 32, 4, stride=2),
        nn.ConvTranspose2d(32, 32, 5),
        nn.ConvTranspose2d(32, 1, 5),
    ]
    for part, layers in ((model.encoder, down), (model.decoder, up)):
        with_relu = [it for layer in layers for it in (layer, nn.ReLU(inplace=True))]
        assert repr(part) == repr(nn.Sequential(*with_relu[:-1]))


def test_the_lectures_snippet_is_what_super_resolution_trains() -> None:
    """Average pooling, encoder, decoder, squared error: the same loss and the same gradient, to the last bit."""
    model = built("upscaler", {}, (1, 14, 14), (1, 28, 28))
    original = torch.rand(4, 1, 28, 28)
    corruptor = Corruptor([spec("corruption", {"downscale": {"factor": 2}})])
    chosen = spec("objective", "mse")
    ours = chosen.extension.function(chosen.options, corruptor)(
        model, Batch(original, None, torch.arange(4)), torch.Generator()
    )
    inputs = F.avg_pool2d(original, kernel_size=2)
    z = model.encoder(inputs)
    loss = F.mse_loss(model.decoder(z), original)
    gradients = [torch.autograd.grad(it, list(model.parameters())) for it in (ours, loss)]
    assert torch.equal(ours, loss)
    assert all(map(torch.equal, *gradients))
    assert torch.equal(corruptor(original, torch.Generator()).x, inputs)


@pytest.mark.parametrize(
    ("name", "options", "input_shape", "output_shape", "message"),
    [
        ("dense", {"code": 784}, (1, 28, 28), (1, 28, 28), "larger than allowed.*at most 783, got 784"),
        ("conv", {"code": 100}, (1, 8, 8), (1, 8, 8), "larger than allowed.*at most 63, got 100"),
        ("conv", {}, (1, 14, 14), (1, 28, 28), "use dense.*or upscaler"),
        ("unet", {}, (1, 14, 14), (1, 28, 21), "use dense"),
        ("unet", {}, (1, 7, 28), (1, 7, 28), "at least 8x8"),
        ("unet", {"widths": [4, 4, 4, 4, 4]}, (1, 28, 28), (1, 28, 28), "at most 4 items"),
        ("tiny", {}, (1, 14, 14), (1, 28, 28), "use dense.*or upscaler"),
        ("upscaler", {}, (1, 28, 28), (1, 28, 28), r"\(C, 14, 14\) into \(C, 28, 28\).*downscale with factor 2"),
        ("upscaler", {}, (1, 14, 14), (3, 28, 28), r"\(C, 14, 14\) into \(C, 28, 28\)"),
    ],
)
def test_what_it_cannot_build_is_refused_with_advice(
    name: str, options: dict[str, Any], input_shape: Shape, output_shape: Shape, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        built(name, options, input_shape, output_shape)
