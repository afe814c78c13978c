"""What the training loop guarantees: exact resumption, named randomness, no waiting, and honest failure."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from daecore.data.samples import Batch, Samples
from daecore.errors import InputError, NonFiniteError
from daecore.training.checkpoint import load_training_state, save_training_state, tensors_digest
from daecore.training.loop import Epoch, fit
from daecore.training.loss import classification
from daecore.training.options import TrainingOptions

IMAGES = Samples(torch.randint(0, 256, (50, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)))
HELD_OUT = Samples(IMAGES.data[:10])


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Nets this small gain nothing from threads, and lose much on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def denoising(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
    """Squared error under Gaussian noise from the loop's own generator."""
    noise = torch.randn(batch.clean.shape, generator=generator, device=generator.device)
    return nn.functional.mse_loss(model(batch.clean + 0.1 * noise.to(batch.clean.device)).float(), batch.clean)


def convolutional() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1, output_padding=1),
    )


def dense() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 64), nn.Unflatten(1, (1, 8, 8)))


def options(**changes: object) -> TrainingOptions:
    return TrainingOptions.model_validate(
        {"epochs": 3, "batch": 16, "learning_rate": 1e-2, "precision": "float32"} | changes
    )


def train(model: nn.Module, settings: TrainingOptions, seed: int = 0, **more: object) -> list[Epoch]:
    return list(fit(model, denoising, IMAGES, settings, seed=seed, **more))


def digest(model: nn.Module) -> str:
    return tensors_digest(model.state_dict())


@pytest.mark.parametrize("build", [convolutional, dense])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("more", [{}, {"average": 0.9, "patience": 2}, {"noise": "once"}, {"layer_decay": 0.5}])
def test_stopping_after_any_epoch_and_going_on_is_bit_equal(build, precision, more, tmp_path):
    """A run resumed from the checkpoint of any epoch ends with the very weights of one that never stopped."""
    settings, path = options(precision=precision, **more), tmp_path / "checkpoint"
    held_out = HELD_OUT if "patience" in more else None
    whole = build()
    train(whole, settings, validation=held_out)
    for stop in range(1, settings.epochs):
        for epoch in fit(build(), denoising, IMAGES, settings, seed=0, validation=held_out):
            if epoch.number == stop:
                save_training_state(path, epoch.state)
                break
        resumed = build()
        train(resumed, settings, validation=held_out, resume=load_training_state(path))
        assert digest(resumed) == digest(whole)


def test_layers_nearer_the_input_learn_at_a_decayed_rate():
    """The first AdamW step moves every weight by its rate: from layer to layer the decay's, the last whole."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 8), nn.Linear(8, 64))
    model.append(nn.Unflatten(1, (1, 8, 8)))
    before = [p.detach().clone() for p in model.parameters()]
    settings = options(epochs=1, batch=50, layer_decay=0.5, weight_decay=0, schedule="constant", learning_rate=1e-3)
    train(model, settings)
    moved = [(p - was).abs().max().item() for p, was in zip(model.parameters(), before, strict=True)]
    assert moved == pytest.approx([rate for rate in (2.5e-4, 5e-4, 1e-3) for _ in range(2)], rel=2e-2)


def test_without_decay_every_layer_learns_alike():
    """A decay of 1 is the very training without one; a smaller one is another."""
    models = [dense() for _ in range(3)]
    for model, more in zip(models, ({}, {"layer_decay": 1}, {"layer_decay": 0.9}), strict=True):
        train(model, options(epochs=1, **more))
    assert digest(models[0]) == digest(models[1]) != digest(models[2])


def test_the_seed_decides_the_weights():
    """Equal seeds give equal bytes, other seeds others, whatever the global generator did meanwhile."""
    models = [dense() for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        torch.rand(7)
        train(model, options(epochs=1), seed=seed)
    assert digest(models[0]) == digest(models[1]) != digest(models[2])


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    model = nn.Conv2d(1, 1, 1)
    torch.set_rng_state(before)
    train(model, options(epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("noise", ["fresh", "once"])
def test_a_pass_sees_each_sample_once(noise):
    """Every epoch is a permutation, the last and smaller batch included."""
    seen: list[Tensor] = []

    def watching(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        seen.append(batch.index)
        return denoising(model, batch, generator)

    for _ in fit(dense(), watching, IMAGES, options(epochs=2, noise=noise), seed=0):
        assert torch.cat(seen).sort().values.tolist() == list(range(len(IMAGES)))
        seen.clear()


@pytest.mark.parametrize(("noise", "same"), [("fresh", False), ("once", True)])
def test_noise_once_gives_each_sample_its_noise_for_ever(noise, same):
    """``once`` repeats every sample's noise in every epoch; ``fresh`` never does."""
    drawn: dict[int, list[float]] = {}

    def watching(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        values = torch.rand(len(batch.index), generator=generator)
        for position, value in zip(batch.index.tolist(), values.tolist(), strict=True):
            drawn.setdefault(position, []).append(value)
        return model(batch.clean).square().mean()

    list(fit(dense(), watching, IMAGES, options(epochs=2, noise=noise), seed=0))
    assert all((first == second) == same for first, second in drawn.values())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_names_epoch_and_step(value):
    """The run ends, and says where the first such loss was."""
    steps = iter(range(1000))

    def breaking(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        return denoising(model, batch, generator) * (value if next(steps) == 5 else 1)

    with pytest.raises(NonFiniteError, match=rf"became {value} in epoch 2, step 2\..*learning_rate"):
        list(fit(dense(), breaking, IMAGES, options(), seed=0))


def test_an_epoch_runs_on_the_meta_device():
    """Nothing in the loop asks for a value: on ``meta`` there is none to be had."""
    samples = Samples(IMAGES.data.to("meta"))
    epochs = list(fit(convolutional(), denoising, samples, options(epochs=1), seed=0, validation=samples))
    assert epochs[0].loss == 0.0


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant"])
def test_a_schedule_ends_where_it_should(schedule):
    """The last steps of a falling schedule hardly move the weights; a constant rate goes on moving them."""
    settings = options(epochs=40, batch=50, schedule=schedule, weight_decay=0)
    weights = [epoch.state.weights["1.weight"].clone() for epoch in fit(dense(), denoising, IMAGES, settings, seed=0)]
    moved = (weights[-1] - weights[-2]).abs().max().item()
    assert moved > 1e-4 if schedule == "constant" else moved < 1e-4


def test_training_learns():
    """The loss falls to less than half."""
    losses = [epoch.loss for epoch in train(dense(), options(epochs=30, batch=50))]
    assert losses[-1] < losses[0] / 2


def test_early_stopping_keeps_the_best_weights():
    """With a rate that destroys the network, ``patience`` ends the run and the best epoch's weights remain."""
    model = dense()
    settings = options(epochs=30, patience=2, learning_rate=5.0, schedule="constant")
    epochs = list(fit(model, denoising, IMAGES, settings, seed=0, validation=HELD_OUT))
    losses = [epoch.validation_loss for epoch in epochs]
    best = min(range(len(losses)), key=losses.__getitem__)
    again = dense()
    train(again, settings.model_copy(update={"patience": 0}))
    assert len(epochs) == best + 3 < settings.epochs
    assert digest(model) == digest(epochs[-1].model) != digest(again)
    assert epochs[-1].state.best_loss == losses[best]


def test_the_weights_kept_are_those_of_the_epoch_that_was_best():
    """Early stopping gives back the weights whose validation loss it reported as the lowest."""
    model = dense()
    settings = options(epochs=12, patience=4, learning_rate=0.3, schedule="constant", precision="float32")
    epochs = train(model, settings, validation=HELD_OUT)
    best = min(epoch.validation_loss for epoch in epochs)
    again = train(model, options(epochs=1, learning_rate=1e-30, precision="float32"), validation=HELD_OUT)[0]
    assert again.validation_loss == pytest.approx(best, rel=1e-4)


def test_the_average_keeps_the_statistics_of_batches():
    """Averaged weights are used with the running statistics of the network that was trained."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 64), nn.Unflatten(1, (1, 8, 8)))
    train(model, options(average=0.9))
    assert model[1].running_mean.abs().sum() > 0
    assert model[1].num_batches_tracked > 0


def test_the_average_is_what_remains():
    """The model ends up holding the averaged weights, which are not those of the last step."""
    model, plain = dense(), dense()
    epoch = train(model, options(average=0.999))[-1]
    train(plain, options())
    assert digest(model) == digest(epoch.model) != digest(plain)


@pytest.mark.parametrize(("average", "decays"), [(0.999, (1 / 10, 2 / 11, 3 / 12)), (0.15, (1 / 10, 0.15, 0.15))])
def test_the_average_forgets_the_first_weights_early(average, decays):
    """Its decay grows to its value: a short training is not an average with random weights."""
    model = dense()
    expected = model[1].weight.detach().clone()
    epochs = fit(model, denoising, IMAGES, options(average=average, batch=1000), seed=0)
    for decay, epoch in zip(decays, epochs, strict=True):  # one step each
        expected = decay * expected + (1 - decay) * epoch.state.weights["1.weight"]
        torch.testing.assert_close(epoch.state.average["1.weight"], expected)


def test_a_batch_may_be_larger_than_the_set():
    """One step an epoch, over all samples."""
    assert len(train(dense(), options(batch=1000))) == 3


def test_frozen_parameters_stay():
    """Only what requires a gradient is trained."""
    model = dense()
    model[1].weight.requires_grad_(False)
    before = model[1].weight.clone()
    train(model, options())
    assert torch.equal(model[1].weight, before)


def test_points_are_trained_as_they_are():
    """Float32 points ``(N, 2)`` with labels train a classifier through the very same loop."""
    points = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    samples = Samples(points, (points[:, 0] > 0).long())
    epochs = list(fit(nn.Linear(2, 2), classification, samples, options(epochs=60), seed=0))
    assert epochs[-1].loss < 0.4
    assert epochs[-1].images_per_second > 0


def test_another_type_than_float32_is_refused_in_the_user_s_words() -> None:
    """Not with what two kernels say of each other."""
    with pytest.raises(InputError, match=r"weights are torch.float64: model.float\(\)"):
        train(dense().double(), options())
    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(InputError, match=r"default type is torch.float64. Call torch.set_default_dtype"):
            train(dense(), options())
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("can't allocate memory")])
def test_a_step_without_room_names_a_batch_that_fits(error: RuntimeError):
    """Smaller steps are tried, nothing of the one that failed is kept, and the advice works."""
    fits = 5

    def crowded(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        if len(batch.index) > fits:
            raise error
        return denoising(model, batch, generator)

    with pytest.raises(InputError, match=r"16 samples .* 4 fit: training\.batch=4\. .* checkpoint is intact"):
        list(fit(dense(), crowded, IMAGES, options(), seed=0))
    assert len(list(fit(dense(), crowded, IMAGES, options(batch=4), seed=0))) == 3
    fits = 0
    with pytest.raises(InputError, match="Not even one does: take a smaller network"):
        list(fit(dense(), crowded, IMAGES, options(), seed=0))


def test_other_errors_of_a_step_are_no_lack_of_room():
    """They come out as they are."""

    def broken(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        list(fit(dense(), broken, IMAGES, options(), seed=0))
