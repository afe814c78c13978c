"""One tied layer of the filters' study: its weights, the penalty on them, and noise on vectors."""

import pytest
import torch
from torch import Tensor, nn

from daecore import Autoencoder, Batch, Corruptor, spec, stream
from daecore.model.autoencoder import Shapes, initialise, parameter_count

X = torch.randn((4000, 9), generator=stream(0, "vectors"))


def layer(**options: object) -> Autoencoder:
    return initialise(spec("architecture", {"stacked": {"widths": [5], **options}}), Shapes((9,), (9,)), 0)


def corrupt(corruption: dict[str, dict[str, float]]) -> tuple[Tensor, Tensor]:
    found = Corruptor([spec("corruption", corruption)])(X, stream(0, "noise"))
    assert found.touched is not None
    return found.x, found.touched


def test_tied_weights_are_one_tensor() -> None:
    """Counted once, saved once; the decoder is the encoder transposed, by hand: ``s(x W^T + b) W + c``."""
    model = layer(output="linear")
    weight, bias = model.encoder[1].weight, model.encoder[1].bias
    assert parameter_count(model) == 9 * 5 + 5 + 9
    assert len(model.state_dict()) == 3
    expected = torch.sigmoid(X[:3] @ weight.T + bias) @ weight
    torch.testing.assert_close(model(X[:3]), expected)
    with torch.no_grad():
        weight.mul_(2)
    torch.testing.assert_close(model(X[:3]), torch.sigmoid(X[:3] @ weight.T + bias) @ weight)


def test_untied_weights_are_two() -> None:
    assert parameter_count(layer(tied=False)) == 2 * 9 * 5 + 5 + 9


def test_tied_weights_refuse_another_size() -> None:
    chosen = spec("architecture", {"stacked": {}})
    with pytest.raises(
        ValueError, match=r"tied weights map back .* but \(9,\) holds 9 and \(4,\) holds 4; set tied to false"
    ):
        chosen.extension.function(chosen.options, input_shape=(9,), output_shape=(4,))


@pytest.mark.parametrize("model", [layer(output="linear"), layer(output="linear", tied=False)], ids=["tied", "untied"])
def test_weight_decay_adds_the_squared_weights_and_no_bias(model: nn.Module) -> None:
    """Its gradient is twice the strength times the weight, on top of squared error's own."""
    batch, gradients = Batch(X[:50], None, torch.arange(50)), []
    for said in ({"mse": {}}, {"weight_decay": {"strength": 0.3}}):
        chosen = spec("objective", said)
        model.zero_grad()
        chosen.extension.function(chosen.options, Corruptor())(model, batch, stream(0, "noise")).backward()
        gradients.append({name: it.grad.clone() for name, it in model.named_parameters() if it.grad is not None})
    for name, parameter in model.named_parameters():
        penalty = 2 * 0.3 * parameter.detach() if parameter.dim() > 1 else torch.zeros_like(parameter)
        torch.testing.assert_close(gradients[1][name] - gradients[0][name], penalty, rtol=1e-4, atol=1e-6)


def test_values_of_a_vector_are_erased_one_by_one() -> None:
    x, touched = corrupt({"erasure": {"p": 0.3}})
    assert touched.shape == X.shape
    assert touched.float().mean().item() == pytest.approx(0.3, abs=5 * (0.21 / X.numel()) ** 0.5)
    assert torch.equal(x, X.masked_fill(touched, 0))


def test_salt_and_pepper_take_the_values_that_are_named() -> None:
    """Half each; what is not replaced stays."""
    x, touched = corrupt({"salt_pepper": {"p": 0.4, "low": -3, "high": 3}})
    assert set(x[touched].tolist()) == {-3.0, 3.0}
    assert x[touched].mean().item() == pytest.approx(0, abs=5 * 3 / int(touched.sum()) ** 0.5)
    assert torch.equal(x[~touched], X[~touched])
