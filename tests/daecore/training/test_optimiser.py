"""AdamW: torch's own, number for number."""

import copy

import pytest
import torch
from torch import nn

from daecore.training.optimiser import AdamW, trained_parameters


def network() -> nn.Module:
    """A convolution and a layer, in the memory order that training uses."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 4, 2))
    return layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def loss(model: nn.Module, step: int) -> torch.Tensor:
    x = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(step))
    return model(x).square().mean()  # type: ignore[no-any-return]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_weights_are_those_of_torch_s_own_optimiser(decay: float) -> None:
    """To the bit, at a rate that changes with every step."""
    ours, theirs = network(), network()
    adamw, torchs = AdamW(ours, decay), torch.optim.AdamW(theirs.parameters(), weight_decay=decay, fused=True)
    for step in range(20):
        rate = 0.01 / (step + 1)
        loss(ours, step).backward()
        adamw.step(rate)
        loss(theirs, step).backward()
        torchs.param_groups[0]["lr"] = rate
        torchs.step()
        torchs.zero_grad()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)
    weight = next(theirs.parameters())
    assert torch.equal(adamw.moments["0.weight.exp_avg_sq"], torchs.state[weight]["exp_avg_sq"])
    assert adamw.moments["0.weight.step"] == 20


def test_a_parameter_without_a_gradient_keeps_its_value_and_its_count() -> None:
    """It was not updated: when its first gradient comes, its moments are as fresh as before."""
    model = nn.ModuleDict({"used": nn.Linear(2, 2), "idle": nn.Linear(2, 2)})
    before = copy.deepcopy(model["idle"].weight)
    adamw = AdamW(model, 0.5)
    model["used"](torch.ones(1, 2)).sum().backward()
    adamw.step(0.1)
    assert torch.equal(model["idle"].weight, before)
    assert (adamw.moments["used.weight.step"], adamw.moments["idle.weight.step"]) == (1, 0)


def test_gradients_are_dropped_after_an_update() -> None:
    """The next loss begins from none."""
    model = network()
    adamw = AdamW(model, 0)
    loss(model, 0).backward()
    adamw.step(0.1)
    assert all(p.grad is None for p in model.parameters())


def test_layers_below_learn_at_a_share_of_the_rate() -> None:
    """The first update of AdamW is the rate itself, whatever the gradient: half of it one layer below."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    before = [p.detach().clone() for p in model.parameters()]
    adamw = AdamW(model, 0, layer_decay=0.5)
    model(torch.ones(1, 1)).sum().backward()
    adamw.step(0.1)
    moved = [(p - old).abs().item() for p, old in zip(model.parameters(), before, strict=True)]
    assert moved == pytest.approx([0.05, 0.1], rel=1e-3)


def test_what_is_frozen_is_not_trained() -> None:
    model = network()
    model[0].requires_grad_(False)  # type: ignore[index,operator]
    assert list(trained_parameters(model)) == ["2.weight", "2.bias"]
    assert not any(name.startswith("0.") for name in AdamW(model, 0).moments)
