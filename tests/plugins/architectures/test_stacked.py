"""The stacked architecture and its layers: tied weights that are there once, clean codes, the unrolled network."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from daecore import Autoencoder, Batch, Corrupted, Corruptor, InputError, Samples, spec, stream
from daecore.device import autocast
from daecore.experiment.experiment import parse
from daecore.experiment.feasibility import check
from daecore.experiment.stack_layers import check_stack, layer
from daecore.model.autoencoder import Shapes, initialise
from daecore.model.stack import code_shape, encode, unroll
from daecore.training.checkpoint import Header, load_tensors, save_tensors
from daecore.training.loop import fit
from daecore.training.options import TrainingOptions

PICTURES = Samples(torch.randint(0, 256, (96, 1, 8, 8), generator=stream(0, "pictures")).to(torch.uint8))


def built(shape: tuple[int, ...] = (1, 8, 8), seed: int = 0, **options: Any) -> Autoencoder:
    chosen = spec("architecture", {"stacked": {"widths": [24, 12], **options}})
    return initialise(chosen, Shapes(shape, shape), seed)


def pictures(count: int = 16) -> Tensor:
    return PICTURES.batch(torch.arange(count)).clean


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_tied_gradients_are_those_through_an_explicit_transposed_copy(activation: str) -> None:
    """The weight's gradient is that of its use in the encoder plus the transposed one of its use in the decoder."""
    tied, untied = built(activation=activation), built(activation=activation, tied=False)
    forward = [part for part in tied.encoder if isinstance(part, nn.Linear)]
    there, back = (
        [part for part in module if isinstance(part, nn.Linear)] for module in (untied.encoder, untied.decoder)
    )
    with torch.no_grad():
        for ours, theirs, transposed in zip(forward, there, reversed(back), strict=True):
            theirs.weight.copy_(ours.weight)
            transposed.weight.copy_(ours.weight.T)
    losses = [F.mse_loss(model(pictures()), pictures()) for model in (tied, untied)]
    torch.testing.assert_close(*losses)
    for loss in losses:
        loss.backward()
    for ours, theirs, transposed in zip(forward, there, reversed(back), strict=True):
        assert ours.weight.grad is not None
        assert theirs.weight.grad is not None
        assert transposed.weight.grad is not None
        torch.testing.assert_close(ours.weight.grad, theirs.weight.grad + transposed.weight.grad.T)


def test_tied_weights_are_saved_once(tmp_path: Path) -> None:
    """No tensor stands twice in the state, and a file of it gives the same network back."""
    model = built()
    state = model.state_dict()
    assert sorted(state) == [f"decoder.{n}.bias" for n in (0, 2)] + [
        f"encoder.{n}.{p}" for n in (1, 3) for p in ("bias", "weight")
    ]
    assert len({value.data_ptr() for value in state.values()}) == len(state)
    save_tensors(tmp_path / "weights.safetensors", state, Header())
    other = built(seed=1)
    other.load_state_dict(load_tensors(tmp_path / "weights.safetensors", Header)[0])
    assert torch.equal(other(pictures()), model(pictures()))


def test_a_copy_of_a_tied_network_is_tied_to_itself() -> None:
    """Weight averaging and the best weights so far are deep copies."""
    model = built()
    before, twin = model(pictures()), copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(model(pictures()), before)
    assert torch.equal(twin(pictures()), torch.full_like(before, 0.5))


def test_a_weight_average_of_a_tied_network_is_averaged_in_both_its_uses() -> None:
    options = TrainingOptions(epochs=1, batch=32, precision="float32", average=0.5, patience=2)
    (epoch,) = fit(built(), objective({"cross_entropy": {}}), PICTURES, options, seed=0, validation=PICTURES)
    averaged = epoch.model
    weights = [part.weight for part in averaged.encoder if isinstance(part, nn.Linear)]  # type: ignore[union-attr]
    biases = [dict(averaged.named_parameters())[f"decoder.{n}.bias"] for n in (0, 2)]
    code = averaged.encoder(pictures())  # type: ignore[operator]
    expected = torch.sigmoid(torch.sigmoid(code @ weights[1] + biases[0]) @ weights[0] + biases[1])
    torch.testing.assert_close(averaged(pictures()).flatten(1), expected)


@pytest.mark.parametrize(("activation", "gain"), [("sigmoid", 4.0), ("tanh", 1.0), ("relu", 2**0.5)])
def test_first_weights_are_glorots(activation: str, gain: float) -> None:
    """Uniform within gain sqrt(6 / (in + out)): its bound is nearly reached, its variance a third of the square."""
    weight = built((1, 28, 28), widths=[500], activation=activation).encoder[1].weight  # type: ignore[index]
    bound = gain * (6 / (784 + 500)) ** 0.5
    assert 0.999 * bound < weight.abs().max() <= bound
    assert weight.square().mean().item() == pytest.approx(bound**2 / 3, rel=0.02)


def test_the_last_sigmoid_is_computed_in_float32() -> None:
    """Under bf16 a value near 1 keeps its distance from 1, which the cross-entropy needs."""
    model = built(widths=[4])
    with torch.no_grad():
        model.decoder[0].bias.fill_(8.0)  # type: ignore[index]
        model.encoder[1].weight.zero_()  # type: ignore[index]
    with autocast(torch.device("cpu"), "bf16"):
        restored = model(pictures())
    assert restored.dtype == torch.float32
    torch.testing.assert_close(restored, torch.full_like(restored, torch.sigmoid(torch.tensor(8.0)).item()))


@pytest.mark.parametrize("shape", [(1, 8, 8), (30,)])
@pytest.mark.parametrize("tied", [True, False])
def test_it_takes_pictures_and_vectors(shape: tuple[int, ...], tied: bool) -> None:
    """And codes that are larger than what they are made of."""
    model = built(shape, widths=[100, 20], tied=tied)
    assert model(torch.rand(3, *shape)).shape == (3, *shape)
    assert model.encoder(torch.rand(3, *shape)).shape == (3, 20)


def test_tied_weights_cannot_change_the_number_of_values() -> None:
    chosen = spec("architecture", "stacked")
    with pytest.raises(ValueError, match=r"tied weights map back.*holds 196 and .* holds 784; set tied to false"):
        chosen.extension.function(chosen.options, input_shape=(1, 14, 14), output_shape=(1, 28, 28))


def objective(said: dict[str, Any], corruptor: Corruptor | None = None) -> Any:
    chosen = spec("objective", said)
    return chosen.extension.function(chosen.options, corruptor or Corruptor())


EXPERIMENT = parse(
    {
        "dataset": "digits",
        "corruptions": {"erasure": {"p": 0.25}},
        "architecture": {"stacked": {"widths": [24, 12, 6]}},
        "objective": "cross_entropy",
        "transfer": None,
    }
)


def layers(activation: str = "sigmoid", tied: bool = True) -> list[Autoencoder]:
    """Untrained layers as the flow would train them, with biases that are not nothing."""
    options = {"widths": [24, 12, 6], "activation": activation, "tied": tied}
    whole, shape, made = (
        EXPERIMENT.model_copy(update={"architecture": spec("architecture", {"stacked": options})}),
        (1, 8, 8),
        [],
    )
    for number in (1, 2, 3):
        one = layer(whole, number)
        made.append(initialise(one.architecture, Shapes(shape, shape), one.seed))
        shape = code_shape(shape, [made[-1].encoder])  # type: ignore[assignment]
        for parameter in made[-1].parameters():
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=stream(number, "shift"))
    return made


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_the_unrolled_network_is_the_layers_one_after_the_other(activation: str, tied: bool) -> None:
    """Up through every encoder and down through every decoder, to float precision."""
    parts = layers(activation, tied)
    options = {"widths": [24, 12, 6], "activation": activation, "tied": tied}
    whole = initialise(spec("architecture", {"stacked": options}), Shapes((1, 8, 8), (1, 8, 8)), 5)
    unroll(whole, parts)
    x = pictures()
    for part in parts:
        x = part.encoder(x)
    torch.testing.assert_close(whole.encoder(pictures()), x)
    for part in reversed(parts):
        x = part.decoder(x)
    torch.testing.assert_close(whole(pictures()), x)


def test_layers_of_other_widths_are_not_unrolled() -> None:
    with pytest.raises(InputError, match=r"encoder cannot be unrolled from 2 layers.*own widths, tied"):
        unroll(built(widths=[24, 13]), layers()[:2])


class Watching(Corruptor):
    """Somebody's corruption, which keeps what it is given."""

    def __init__(self) -> None:
        super().__init__([spec("corruption", {"erasure": {"p": 0.25}})])
        self.given: list[Tensor] = []

    def __call__(self, clean: Tensor, generator: torch.Generator) -> Corrupted:
        self.given.append(clean)
        return super().__call__(clean, generator)


def test_the_second_layer_learns_from_clean_codes_of_the_first() -> None:
    """Its targets, and what is corrupted for it, are f1(x) of uncorrupted x."""
    first, second = layers()[:2]
    codes, watching = encode(PICTURES, [first.encoder]), Watching()
    expected = torch.sigmoid(
        F.linear(PICTURES.batch(torch.arange(96)).clean.flatten(1), *first.encoder[1].parameters())
    )  # type: ignore[index]
    torch.testing.assert_close(codes.data, expected)
    assert not codes.data.requires_grad
    options = TrainingOptions(epochs=1, batch=96, precision="float32")
    list(fit(second, objective({"cross_entropy": {}}, watching), codes, options, seed=0))
    (given,) = watching.given
    torch.testing.assert_close(given.sort(0).values, expected.sort(0).values)


def test_codes_do_not_depend_on_dropout_nor_on_the_mode_that_was() -> None:
    encoder = nn.Sequential(nn.Flatten(), nn.Dropout(0.5)).train()
    assert torch.equal(encode(PICTURES, [encoder]).data, pictures(96).flatten(1))


def test_a_layer_is_an_experiment_of_its_own() -> None:
    """The first is the network of one layer; above, what comes out is shaped by what made the codes; streams differ."""
    tanh = EXPERIMENT.model_copy(
        update={"architecture": spec("architecture", {"stacked": {"widths": [9, 7], "activation": "tanh"}})}
    )
    first, second = layer(tanh, 1), layer(tanh, 2)
    assert first == tanh.model_copy(
        update={"architecture": spec("architecture", {"stacked": {"widths": [9], "activation": "tanh"}})}
    )
    assert (
        second.architecture.dump()
        == spec("architecture", {"stacked": {"widths": [7], "activation": "tanh", "output": "tanh"}}).dump()
    )
    assert second.seed != tanh.seed
    assert (second.objective, second.corruptions, second.training) == (tanh.objective, tanh.corruptions, tanh.training)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "conv"}, "Only the architecture 'stacked'.*has 'conv'.*train it whole"),
        ({"corruptions": "blur"}, "blur.* cannot be applied to the codes that layer 2.*for images.*use erasure"),
        ({"corruptions": {"downscale": {"factor": 2}}, "architecture": {"stacked": {"tied": False}}}, "very shape"),
        (
            {"architecture": {"stacked": {"activation": "tanh"}}},
            r"Layer 2 is trained on codes of 1000.*compares values in \[0, 1\]",
        ),
        ({"objective": "noise2self", "corruptions": "gaussian_noise"}, "Layer 2.*'noise2self' is for images"),
    ],
)
def test_what_cannot_be_trained_layer_by_layer_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_stack(parse(EXPERIMENT.model_dump(mode="json") | changes))


def test_one_layer_may_be_trained_under_any_corruption_of_its_shape() -> None:
    """There are no codes to corrupt."""
    check_stack(
        parse(
            EXPERIMENT.model_dump(mode="json") | {"corruptions": "blur", "architecture": {"stacked": {"widths": [9]}}}
        )
    )


@pytest.mark.parametrize(
    "said", ["cross_entropy", {"emphasised": {"loss": "cross_entropy"}}, {"contractive": {"loss": "cross_entropy"}}]
)
def test_cross_entropy_is_refused_for_what_leaves_the_range(said: Any) -> None:
    """By declaration, before anything is trained."""
    wanted = EXPERIMENT.model_dump(mode="json") | {"objective": said}
    check(parse(wanted))
    check(parse(wanted | {"architecture": "tiny"}))
    for network in ({"conv": {"code": 8}}, {"stacked": {"output": "linear"}}):
        with pytest.raises(
            InputError, match=r"compares values in \[0, 1\], but what .* restores may lie anywhere.*tiny"
        ):
            check(parse(wanted | {"architecture": network}))
    with pytest.raises(InputError, match="those of arc may lie anywhere"):
        check(parse(wanted | {"dataset": "arc"}))


def test_a_stack_of_codes_trains_on_a_device_without_values() -> None:
    """Nothing waits for the device, in any of its losses."""
    model = built((12,), widths=[6]).to("meta")
    clean = torch.empty((5, 12), device="meta")
    for said in ({"cross_entropy": {}}, {"emphasised": {"loss": "cross_entropy"}}):
        made = objective(said, Corruptor([spec("corruption", "erasure")]))
        made(model, Batch(clean, None, torch.arange(5)), stream(0, "noise")).backward()
