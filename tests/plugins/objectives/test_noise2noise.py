"""Noise2Noise: the minimiser of noisy targets, the constant between the losses, the mask, and what is refused."""

from typing import Any

import pytest
import torch
from daecore_plugins.objectives.noise2noise import Noise2Noise, demands, noise2noise
from torch import Tensor, nn

from daecore import Batch, Corruptor, InputError, Samples, spec, stream
from daecore.experiment.experiment import parse
from daecore.experiment.feasibility import check
from daecore.training.loop import fit
from daecore.training.loss import Loss
from daecore.training.options import TrainingOptions

SHAPE = (1, 6, 6)


def chain(*values: Any) -> Corruptor:
    return Corruptor([spec("corruption", value) for value in values])


def objective(corruptor: Corruptor, **options: Any) -> Loss:
    return noise2noise(Noise2Noise(**options), corruptor)


def clean_objective(corruptor: Corruptor) -> Loss:
    found = spec("objective", "mse")
    return found.extension.function(found.options, corruptor)


def digits(count: int, value: float | None = None) -> Batch:
    clean = torch.rand((count, *SHAPE), generator=stream(0, "clean"))
    return Batch(clean if value is None else torch.full_like(clean, value), None, torch.arange(count))


class Linear(nn.Module):
    """One weight for all pixels; with the weight w the gradient is 2 E[input (w input - target)]."""

    def __init__(self, weight: float = 0.2) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


class Recorder(nn.Module):
    """Restores nothing, and keeps what it is given: the loss is then the target's mean square."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self.nothing = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().clone())
        return x * self.nothing


def gradient(loss: Loss, batch: Batch, weight: float = 0.2) -> float:
    model = Linear(weight)
    loss(model, batch, stream(0, "noise")).backward()
    assert model.weight.grad is not None
    return model.weight.grad.item()


NOISES = [
    [{"gaussian_noise": {"sigma": 0.5}}],
    [{"shot_noise": {"peak": 5}}],
    [{"erasure": {"p": 0.5}}],
    [{"erasure": {"p": 0.5, "rescale": True}}],
    [{"erasure": {"p": 0.3}}, {"gaussian_noise": {"sigma": 0.3}}],
    [{"gaussian_noise": {"sigma": 0.3}}, {"impulse": {"p": 0.3}}],
]


@pytest.mark.parametrize("noise", NOISES, ids=str)
def test_noisy_targets_have_the_gradient_of_clean_ones(noise: list[Any]) -> None:
    """In expectation, seen over 720,000 values: a linear network that starts anywhere walks the same way."""
    batch, corruptor = digits(20_000), chain(*noise)
    expected, found = gradient(clean_objective(corruptor), batch), gradient(objective(corruptor), batch)
    assert found == pytest.approx(expected, rel=0.02)


def test_a_target_of_another_mean_has_another_gradient() -> None:
    """The bound above can be missed: here by noise clipped to [0, 1]."""
    batch, clipped = digits(20_000, 0.1), chain({"gaussian_noise": {"sigma": 0.5, "clip": True}})
    expected = gradient(clean_objective(clipped), batch)
    assert gradient(objective(clipped, allow_bias=True), batch) != pytest.approx(expected, rel=0.02)


def test_the_linear_minimiser_is_the_wiener_filter() -> None:
    """The weight at which the gradient with noisy targets vanishes is E[x^2] / (E[x^2] + sigma^2), in closed form."""
    sigma, batch = 0.5, digits(50_000)
    loss = objective(chain({"gaussian_noise": {"sigma": sigma}}))
    first, last = (gradient(loss, batch, weight) for weight in (0.0, 1.0))
    power = batch.clean.square().mean().item()
    assert first / (first - last) == pytest.approx(power / (power + sigma**2), rel=0.01)  # linear in the weight


def test_the_losses_differ_by_the_targets_noise() -> None:
    """E[(f - x - d)^2] - E[(f - x)^2] = E[d^2], whatever the network."""
    sigma, batch = 0.3, digits(50_000)
    corruptor = chain({"gaussian_noise": {"sigma": sigma}})
    both = (objective(corruptor), clean_objective(corruptor))
    noisy, clean = (loss(Linear(), batch, stream(2, "noise")) for loss in both)
    assert (noisy - clean).item() == pytest.approx(sigma**2, rel=0.01)


def test_input_and_target_are_independent_draws_and_the_input_is_that_of_clean_targets() -> None:
    corruptor, batch = chain({"gaussian_noise": {"sigma": 1.0}}), digits(5000, 0.5)
    noisy, clean = Recorder(), Recorder()
    objective(corruptor)(noisy, batch, stream(3, "noise"))
    clean_objective(corruptor)(clean, batch, stream(3, "noise"))
    assert torch.equal(noisy.seen[0], clean.seen[0])
    identity = objective(corruptor)(nn.Identity(), batch, stream(3, "noise")).item()
    assert identity == pytest.approx(2.0, rel=0.02)  # Var(n - d) = 2; one draw used twice would give 0


def test_masked_values_of_the_target_leave_the_loss() -> None:
    """Erased pixels are white here, and what is kept is 0.25: only 0.25 enters, whatever the network sees."""
    corruptor, batch = chain({"erasure": {"p": 0.5, "fill": 1.0}}), digits(64, 0.25)
    loss = objective(corruptor)(Recorder(), batch, stream(0, "noise"))
    assert loss.item() == pytest.approx(0.25**2)


def test_a_mask_of_one_channel_stands_for_all() -> None:
    clean = torch.full((16, 3, 8, 8), 0.25)
    loss = objective(chain({"erasure": {"p": 0.5, "fill": 1.0}}))(
        Recorder(), Batch(clean, None, torch.arange(16)), stream(0, "noise")
    )
    assert loss.item() == pytest.approx(0.25**2)


def test_a_rescaled_erasure_counts_as_a_whole() -> None:
    """What it keeps is twice the clean value: with the erased half left out, the mean would be twice as large."""
    corruptor, batch = chain({"erasure": {"p": 0.5, "rescale": True}}), digits(20_000, 0.25)
    loss = objective(corruptor)(Recorder(), batch, stream(0, "noise"))
    assert loss.item() == pytest.approx(0.5 * 0.5**2, rel=0.01)


def test_where_everything_is_masked_there_is_nothing_to_learn() -> None:
    model = Linear()
    loss = objective(chain({"erasure": {"p": 1.0}}))(model, digits(4), stream(0, "noise"))
    loss.backward()
    assert loss.item() == 0
    assert model.weight.grad is not None
    assert not model.weight.grad.any()


def test_the_target_may_be_corrupted_otherwise() -> None:
    """Named in its options, as one corruption or a list; the input is blurred, the target has noise alone."""
    blur = chain({"blur": {"sigma": 2}})
    one, many = ({"gaussian_noise": {"sigma": 0.4}}, [{"gaussian_noise": {"sigma": 0.4}}, "shot_noise"])
    loss = objective(blur, target=one)(Recorder(), digits(20_000, 0.5), stream(0, "noise"))
    assert loss.item() == pytest.approx(0.25 + 0.16, rel=0.01)
    assert len(Noise2Noise(target=many).target) == 2
    assert Noise2Noise.model_validate_json(Noise2Noise(target=one).model_dump_json()) == Noise2Noise(target=one)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"gaussian_noise": {"sigma": 0.5, "clip": True}}, "Give gaussian_noise with clip: false"),
        ({"blur": {"sigma": 2}}, "Give an unbiased corruption"),
        ({"mixture": {"corruptions": ["gaussian_noise", "erasure"]}}, "Give an unbiased corruption"),
        ({"mixture": {"corruptions": [{"erasure": {"rescale": True}}, "impulse"]}}, "Give an unbiased corruption"),
        ({"jpeg": {}}, "Give an unbiased corruption"),
        ({"downscale": {"factor": 3}}, "Give an unbiased corruption"),
    ],
    ids=str,
)
def test_a_target_neither_unbiased_nor_masked_is_refused(wrong: Any, said: str) -> None:
    """With the reason and the remedy; also anywhere in a chain, and as the option `target`."""
    for corruptor, options in (
        (chain(wrong), {}),
        (chain({"erasure": {"p": 0.5}}, wrong), {}),
        (chain("gaussian_noise"), {"target": wrong}),
    ):
        with pytest.raises(ValueError, match=said) as error:
            demands(Noise2Noise(**options), corruptor)
        assert "neither unbiased" in str(error.value)
        assert str(spec("corruption", wrong)) in str(error.value)
        with pytest.raises(ValueError, match="neither unbiased"):
            objective(corruptor, **options)
        demands(Noise2Noise(**options, allow_bias=True), corruptor)


@pytest.mark.parametrize(
    "right",
    [
        "gaussian_noise", "shot_noise", "speckle", "erasure", "block_mask", "impulse", "salt_pepper",
        {"block_mask": {"size": 200}}, {"erasure": {"rescale": True}}, {"at_random_strength": {}},
        {"at_random_strength": {"corruption": "erasure"}}, {"mixture": {"corruptions": ["erasure", "impulse"]}},
    ],
    ids=str,
)  # fmt: skip
def test_a_target_unbiased_or_masked_is_taken(right: Any) -> None:
    demands(Noise2Noise(), chain(right))
    demands(Noise2Noise(target=right), chain({"blur": {"sigma": 2}}, {"downscale": {"factor": 2}}))


def test_an_experiment_with_a_biased_target_is_refused_before_any_data_are_read() -> None:
    sections = {
        "dataset": "digits",
        "architecture": {"conv": {"code": 8}},
        "objective": "noise2noise",
        "transfer": None,
    }
    clipped = {"gaussian_noise": {"sigma": 0.5, "clip": True}}
    check(parse({**sections, "corruptions": [{"gaussian_noise": {"sigma": 0.5}}]}))
    check(parse({**sections, "corruptions": [clipped], "objective": {"noise2noise": {"target": "gaussian_noise"}}}))
    check(parse({**sections, "corruptions": [clipped], "objective": {"noise2noise": {"allow_bias": True}}}))
    with pytest.raises(InputError, match="cannot learn from this corruption: the target's corruption gaussian_noise"):
        check(parse({**sections, "corruptions": [clipped]}))


def test_a_target_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="Name corruptions that keep the shape as its option `target`"):
        objective(chain("downscale"), allow_bias=True)(nn.Upsample(scale_factor=2), digits(4), stream(0, "noise"))


def seen(noise: str) -> list[list[bytes]]:
    """The inputs of two epochs, sorted, and the losses: with a network that restores nothing, the targets' powers."""
    samples = Samples(torch.randint(0, 255, (12, *SHAPE), generator=stream(0, "set"), dtype=torch.uint8))
    options = TrainingOptions(epochs=2, batch=4, noise=noise, learning_rate=1e-9, precision="float32")  # type: ignore[arg-type]
    model = Recorder()
    losses: list[float] = []
    loss = objective(chain("gaussian_noise"))

    def watched(network: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        found = loss(network, batch, generator)
        losses.append(round(found.item(), 5))
        return found

    for _ in fit(model, watched, samples, options, seed=0):
        pass
    inputs = [sorted(x.numpy().tobytes() for x in model.seen[start : start + 3]) for start in (0, 3)]
    return [*inputs, sorted(losses[:3]), sorted(losses[3:])]  # type: ignore[list-item]


def test_noise_once_repeats_both_draws() -> None:
    """A fixed budget of captures: in the second epoch come the same inputs with the same targets; fresh ones do not."""
    first, second, targets, again = seen("once")
    assert first == second
    assert targets == again
    first, second, targets, again = seen("fresh")
    assert first != second
    assert targets != again
