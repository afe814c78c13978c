"""Flow matching: the squared error at time 0, the velocity's error beyond, and nothing seen of what is hidden."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from daecore import Autoencoder, Batch, Corruptor, InputError, Sampler, Samples, spec, stream
from daecore.experiment.experiment import parse
from daecore.experiment.feasibility import check
from daecore.model.autoencoder import Shapes, initialise
from daecore.training.loop import fit
from daecore.training.options import TrainingOptions
from daecore.training.state import TrainingState

CLEAN = torch.rand((64, 1, 8, 8), generator=stream(0, "pictures"))
NOISE = Corruptor([spec("corruption", {"gaussian_noise": {"sigma": 0.2}})])
ALWAYS_MEAN: dict[str, Any] = {"mean_share": 1, "hidden_share": 0}


def loss_of(options: dict[str, Any], model: torch.nn.Module, corruptor: Corruptor = NOISE) -> float:
    chosen = spec("objective", {"flow": options})
    loss = chosen.extension.function(chosen.options, corruptor)
    with torch.no_grad():
        return float(loss(model, Batch(CLEAN, None, torch.arange(64), 1), stream(0, "draw")))


def network(name: str, **options: Any) -> Autoencoder:
    shapes = Shapes((1, 8, 8), (1, 8, 8))
    return initialise(spec("architecture", {name: {"sampler": True, **options}}), shapes, 0)


class Recorder(Sampler):
    """Notes what it is asked and answers with the state."""

    def __init__(self) -> None:
        super().__init__(torch.nn.Identity(), torch.nn.Identity())
        self.asked: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

    def forward(
        self, x: Tensor, state: Tensor | None = None, time: Tensor | None = None, hidden: Tensor | None = None
    ) -> Tensor:
        assert state is not None
        assert time is not None
        assert hidden is not None
        self.asked.append((x, state, time, hidden))
        return state

    def predict(self, x: Tensor, state: Tensor | None, time: Tensor, hidden: Tensor) -> Tensor:
        raise NotImplementedError


@pytest.mark.parametrize("name", ["unet", "dense"])
def test_at_time_0_it_is_the_squared_error(name: str) -> None:
    """With the whole batch there it is the objective mse, on the very same noise."""
    model = network(name)
    mse = spec("objective", "mse")
    expected = mse.extension.function(mse.options, NOISE)(
        model, Batch(CLEAN, None, torch.arange(64), 1), stream(0, "draw")
    )
    assert loss_of(ALWAYS_MEAN, model) == pytest.approx(expected.item(), rel=1e-5)


def test_the_state_is_on_the_straight_line_from_noise_to_the_clean_sample() -> None:
    """Solved for the noise it is standard normal; a half of the times are 0, and the others lie between 0 and 1."""
    recorder = Recorder()
    loss_of({"mean_share": 0.5, "hidden_share": 0}, recorder)
    [(_, state, time, _)] = recorder.asked
    t = time[:, None, None, None]
    noise = (state - t * CLEAN) / (1 - t)
    assert noise.mean().abs() < 0.05
    assert (noise.std() - 1).abs() < 0.05
    assert int((time == 0).sum()) == 32
    assert 0 < time[32:].min() < 0.2
    assert 0.8 < time[32:].max() < 1


def test_an_error_counts_as_that_of_the_velocity() -> None:
    """Answering with the state errs by ``(1 - t) (n - x)``; by 1 - t that is ``n - x``, of which a quarter counts."""
    recorder = Recorder()
    said = loss_of({"mean_share": 0.5, "hidden_share": 0}, recorder)
    [(_, state, time, _)] = recorder.asked
    t = time[:, None, None, None]
    velocity = (state - CLEAN) / (1 - t)
    capped = (1 - time).clamp_max(0.05).div(0.05).square()
    beyond = 0.25 * (velocity.square().flatten(1).mean(1) * capped)[32:]
    at_0 = (state - CLEAN).square().flatten(1).mean(1)[:32]
    assert said == pytest.approx(float(torch.cat((at_0, beyond)).mean()), rel=1e-4)


def test_a_share_of_the_corrupted_samples_is_hidden() -> None:
    """About as many as wished."""
    recorder = Recorder()
    loss_of({"hidden_share": 0.25}, recorder)
    assert 5 <= int(recorder.asked[0][3].sum()) <= 28


@pytest.mark.parametrize("name", ["unet", "dense"])
def test_what_is_hidden_changes_nothing(name: str) -> None:
    """Two pictures that differ only where they are hidden get one answer; they are not alike where all is seen."""
    model = network(name)
    other = 1 - CLEAN
    state, time = torch.randn(CLEAN.shape, generator=stream(0, "state")), torch.full((64,), 0.5)
    hidden = torch.ones_like(CLEAN, dtype=torch.bool)
    with torch.no_grad():
        assert torch.equal(model(CLEAN, state, time, hidden), model(other, state, time, hidden))
        assert not torch.equal(model(CLEAN, state, time), model(other, state, time))


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        ({"conv": {}}, "Use unet or dense with sampler: true"),
        ({"unet": {}}, "Set architecture.unet.sampler=true"),
    ],
)
def test_a_network_that_cannot_be_told_a_time_is_refused(architecture: dict[str, Any], said: str) -> None:
    """Before any data are loaded, with what to do."""
    experiment = parse({"dataset": "mnist", "architecture": architecture, "objective": "flow"})
    with pytest.raises(InputError, match=said):
        check(experiment)


@pytest.mark.parametrize("corruption", ["erasure", "downscale", "gaussian_noise", "blur"])
def test_it_is_for_every_corruption_that_keeps_or_shrinks(corruption: str) -> None:
    """A drawing U-Net enlarges what is smaller."""
    drawing = {"unet": {"sampler": True}}
    check(parse({"dataset": "mnist", "corruptions": [corruption], "architecture": drawing, "objective": "flow"}))


def test_it_is_for_points() -> None:
    """With the fully connected network."""
    check(
        parse({
            "dataset": "arc", "corruptions": [{"gaussian_noise": {}}], "architecture": {"dense": {"sampler": True}},
            "objective": "flow", "transfer": None,
        })
    )  # fmt: skip


def test_a_resumed_training_is_bit_equal_to_one_that_never_stopped() -> None:
    """Every draw of times, noise and what is hidden comes from the named streams of its step."""
    flow = spec("objective", "flow")
    loss = flow.extension.function(flow.options, NOISE)
    options = TrainingOptions(epochs=3, batch=16, precision="float32", average=0.9)
    samples = Samples(CLEAN)

    def epochs(model: Autoencoder, resume: TrainingState | None = None) -> list[TrainingState]:
        return [copy.deepcopy(epoch.state) for epoch in fit(model, loss, samples, options, seed=1, resume=resume)]

    whole, other = network("unet", widths=[4, 8]), network("unet", widths=[4, 8])
    states = epochs(whole)
    epochs(other, states[0])
    assert all(
        torch.equal(one, two) for one, two in zip(whole.state_dict().values(), other.state_dict().values(), strict=True)
    )
