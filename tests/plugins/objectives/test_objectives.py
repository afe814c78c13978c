"""What the objectives promise: an unbiased risk, hidden pixels that stay hidden, weights where they belong."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from daecore import Batch, Corrupted, Corruptor, InputError, Loss, Samples, find_encoder, spec, stream
from daecore.experiment.experiment import parse
from daecore.experiment.feasibility import check
from daecore.training.loop import fit
from daecore.training.options import TrainingOptions

SIGMA = 0.2
CLEAN = torch.rand((64, 1, 8, 8), generator=stream(0, "pictures"))


def corruptor(corruption: dict[str, Any]) -> Corruptor:
    return Corruptor([spec("corruption", corruption)])


GAUSSIAN = corruptor({"gaussian_noise": {"sigma": SIGMA}})


def objective(said: dict[str, Any], corruption: Corruptor = GAUSSIAN) -> Loss:
    chosen = spec("objective", said)
    made: Loss = chosen.extension.function(chosen.options, corruption)
    return made


def batch(clean: Tensor = CLEAN, epoch: int = 1) -> Batch:
    return Batch(clean, None, torch.arange(len(clean)), epoch)


def losses(made: Loss, model: nn.Module, draws: int, seed: int = 0) -> Tensor:
    """The loss under so many independent draws, float64."""
    with torch.no_grad():
        found = [made(model, batch(), stream(seed, "draw", number)) for number in range(draws)]
    return torch.stack(found).double()


def standard_errors(values: Tensor, expected: float = 0) -> float:
    """By how many standard errors the mean of ``(K,)`` values misses what is expected."""
    return float((values.mean() - expected).abs() / (values.std() / len(values) ** 0.5))


class Scale(nn.Module):
    """The linear denoiser ``g y``."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain


class Linear(nn.Module):
    """A linear denoiser ``W y`` of all pixels, W drawn once."""

    def __init__(self) -> None:
        super().__init__()
        drawn = torch.randn((64, 64), generator=stream(0, "weights"))
        self.weight = nn.Parameter(0.6 * torch.eye(64) + 0.05 * drawn)

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1) @ self.weight.T).view_as(x)


class Smooth(nn.Module):
    """Two convolutions with a sigmoid between; keeps what it was given last."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.layers = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.Sigmoid(), nn.Conv2d(6, 1, 3, padding=1))
        self.seen = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x.detach().clone()
        restored: Tensor = self.layers(x)
        return restored


def test_sure_is_the_risk_of_a_linear_denoiser_on_average() -> None:
    """The mean over noise and probe is the closed form ``(|(W - I) x|^2 + sigma^2 |W|^2 B) / (B D)``."""
    model, flat = Linear(), CLEAN.flatten(1)
    with torch.no_grad():
        bias = (flat @ model.weight.T - flat).square().mean()
        risk = float(bias + SIGMA**2 * model.weight.square().sum() / 64)
    found = losses(objective({"sure": {}}), model, 400)
    assert found.std() / 20 < 0.01 * risk  # the interval is narrow enough to tell
    assert standard_errors(found, risk) < 4


def test_sure_is_the_squared_error_of_a_network_on_average() -> None:
    """Paired with the error to the clean pictures under the very same noise, the mean difference is nothing."""
    model = Smooth()
    truth, estimate = (losses(objective({name: {}}), model, 400) for name in ("mse", "sure"))
    difference = estimate - truth
    assert difference.std() / 20 < 0.01 * truth.mean()
    assert standard_errors(difference) < 4


def test_the_gradient_of_sure_vanishes_at_the_wiener_gain() -> None:
    """For ``g y`` the risk is least at ``E x^2 / (E x^2 + sigma^2)``; at the identity it still falls."""
    power = CLEAN.square().mean().item()
    best = power / (power + SIGMA**2)

    def slopes(gain: float) -> Tensor:
        found = []
        for number in range(100):
            model = Scale(gain)
            objective({"sure": {}})(model, batch(), stream(3, number)).backward()
            found.append(model.gain.grad)
        return torch.stack([item for item in found if item is not None]).double()

    assert standard_errors(slopes(best)) < 4
    assert slopes(1.0).mean() == pytest.approx(2 * SIGMA**2, rel=0.1)


def test_sure_takes_its_sigma_from_the_corruption() -> None:
    said, taken = objective({"sure": {"sigma": SIGMA}}), objective({"sure": {}})
    assert torch.equal(losses(said, Smooth(), 2), losses(taken, Smooth(), 2))


def test_sure_keeps_its_digits_under_autocast() -> None:
    """The probe's small step would be lost in bf16."""
    model = Smooth()
    plain = losses(objective({"sure": {}}), model, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(losses(objective({"sure": {}}), model, 3), plain)


@pytest.mark.parametrize("name", ["sure", "noise2self"])
def test_with_noise_once_only_the_noise_stays(name: str) -> None:
    """The same stream in another epoch gives the same noisy pictures, but another probe or other hidden pixels."""
    made, model, clean = objective({name: {}}), Smooth(), objective({"mse": {}})
    first, again, later = (made(model, batch(epoch=epoch), stream(0, "noise", 0)) for epoch in (1, 1, 2))
    assert first == again != later
    assert clean(model, batch(epoch=1), stream(0, 0)) == clean(model, batch(epoch=2), stream(0, 0))


def test_the_loop_says_which_epoch_a_batch_belongs_to() -> None:
    seen = []

    def watching(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        seen.append(batch.epoch)
        return model(batch.clean).square().mean()

    samples = Samples(CLEAN.mul(255).to(torch.uint8))
    list(fit(Scale(0.5), watching, samples, TrainingOptions(epochs=2, batch=32, precision="float32"), seed=0))
    assert seen == [1, 1, 2, 2]


@pytest.mark.parametrize(("grid", "size"), [(2, (8, 8)), (4, (8, 8)), (4, (9, 7))])
def test_a_hidden_pixel_is_not_seen(grid: int, size: tuple[int, int]) -> None:
    """Another noisy value at a hidden pixel changes nothing that the network is given, and changes the loss."""
    model, made = Smooth(), objective({"noise2self": {"grid": grid}})
    clean = torch.rand((1, 1, *size), generator=stream(0, "picture"))
    loss = made(model, batch(clean), stream(0, "noise"))
    seen = model.seen
    hidden = []
    for row in range(size[0]):
        for column in range(size[1]):
            other = clean.clone()
            other[..., row, column] += 0.5
            changed = made(model, batch(other), stream(0, "noise"))
            if torch.equal(model.seen, seen):
                hidden.append((row, column))
                assert changed != loss
    (first_row, first_column), *_ = hidden
    rows, columns = range(first_row, size[0], grid), range(first_column, size[1], grid)
    assert first_row < grid
    assert first_column < grid
    assert hidden == [(row, column) for row in rows for column in columns]


def test_noise2self_is_the_squared_error_plus_the_noise() -> None:
    """For noise that is independent from pixel to pixel (Batson and Royer 2019, proposition 1)."""
    model, made, differences = Smooth(), objective({"noise2self": {}}), []
    with torch.no_grad():
        for number in range(400):
            loss = made(model, batch(), stream(0, "draw", number))
            seen, noisy = model.seen, GAUSSIAN(CLEAN, stream(0, "draw", number)).x
            hidden = seen != noisy
            differences.append(loss - (model(seen) - CLEAN)[hidden].square().mean())
    found = torch.stack(differences).double()
    assert found.std() / 20 < 0.02 * SIGMA**2  # the interval is narrow enough to tell
    assert standard_errors(found, SIGMA**2) < 4


ERASURE = corruptor({"erasure": {"p": 0.5}})


def test_even_emphasis_is_the_clean_objective() -> None:
    even = losses(objective({"emphasised": {"a": 1, "b": 1}}, ERASURE), Smooth(), 3)
    torch.testing.assert_close(even, losses(objective({"mse": {}}, ERASURE), Smooth(), 3))


def test_full_emphasis_counts_the_erased_pixels_alone() -> None:
    model = Smooth()
    drawn = ERASURE(CLEAN, stream(0, "draw", 0))
    error = (model(drawn.x) - CLEAN).square().double()
    expected = error[drawn.touched].sum() / error.numel()
    found = losses(objective({"emphasised": {"a": 1, "b": 0}}, ERASURE), model, 1)
    torch.testing.assert_close(found[0], expected.detach(), rtol=1e-5, atol=0)


def test_emphasis_is_linear_in_its_weights() -> None:
    loss = {
        (a, b): losses(objective({"emphasised": {"a": a, "b": b}}, ERASURE), Smooth(), 1)[0]
        for a, b in ((1, 0), (0, 1), (2, 0.5))
    }
    torch.testing.assert_close(loss[2, 0.5], 2 * loss[1, 0] + 0.5 * loss[0, 1])


def test_emphasis_without_marks_is_refused_also_outside_of_an_experiment() -> None:
    with pytest.raises(InputError, match="does not say what it touched"):
        losses(objective({"emphasised": {}}), Smooth(), 1)


def test_l1_is_the_mean_absolute_error() -> None:
    model = Scale(0.5)
    expected = (0.5 * GAUSSIAN(CLEAN, stream(0, "draw", 0)).x - CLEAN).abs().mean().double()
    torch.testing.assert_close(losses(objective({"l1": {}}), model, 1)[0], expected)


@pytest.mark.parametrize(
    ("said", "corruptions", "message"),
    [
        ("sure", ["erasure"], "one additive Gaussian noise that is not clipped.*erasure.*noise2self"),
        ("sure", [{"gaussian_noise": {"clip": True}}], "not clipped.*clip=True"),
        ("sure", [{"blur": {}}, "gaussian_noise"], "nothing before or after.*blur.*->"),
        ("sure", [], "one additive Gaussian noise.*got: none"),
        ("sure", [{"gaussian_noise": {"sigma": 0}}], "sure needs noise, but gaussian_noise has sigma 0"),
        ({"sure": {"sigma": 0.1}}, [{"gaussian_noise": {"sigma": 0.3}}], "told sigma 0.1, but the noise has sigma 0.3"),
        ("noise2self", ["erasure"], "only for unbiased noise.*erasure.*rescale"),
        ("noise2self", [], "only for unbiased noise.*got: none"),
        ("noise2self", [{"gaussian_noise": {"clip": True}}], "only for unbiased noise"),
        ("emphasised", ["gaussian_noise"], "does not say what it touched.*erasure, block_mask.*objective mse"),
        ("emphasised", ["blur", "erasure"], "does not say what it touched"),
        ({"emphasised": {"a": 0, "b": 0}}, ["erasure"], "nothing would be learnt"),
    ],
)
def test_what_it_cannot_learn_from_is_refused_with_advice(said: Any, corruptions: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(parse({"corruptions": corruptions, "objective": said}))


def test_noise2self_is_refused_for_points() -> None:
    with pytest.raises(InputError, match="'noise2self' is for images, but the samples have shape"):
        check(
            parse(
                {
                    "dataset": "arc",
                    "corruptions": ["gaussian_noise"],
                    "architecture": "dense",
                    "objective": "noise2self",
                }
            )
        )
    with pytest.raises(InputError, match="pictures"):
        objective({"noise2self": {}})(Scale(1.0), batch(torch.rand(4, 2)), stream(0))


@pytest.mark.parametrize("corruption", ["gaussian_noise", "shot_noise", "speckle", {"erasure": {"rescale": True}}])
def test_noise2self_takes_unbiased_independent_noise(corruption: Any) -> None:
    check(parse({"corruptions": [corruption], "objective": "noise2self"}))


class Streaks(Corruptor):
    """Somebody's unbiased noise, the same along a row."""

    unbiased = True

    def __init__(self) -> None:
        super().__init__([spec("corruption", "gaussian_noise")])

    def __call__(self, clean: Tensor, generator: torch.Generator) -> Corrupted:
        return Corrupted(clean + torch.randn((*clean.shape[:-1], 1), generator=generator))


class Halves(Streaks):
    """Somebody's noise on pictures of half the size."""

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0], shape[1] // 2, shape[2] // 2)


@pytest.mark.parametrize(
    ("noise", "message"), [(Streaks(), "neighbours correlate by 1.00.*Use noise2noise"), (Halves(), "changes the size")]
)
def test_noise2self_refuses_what_its_neighbours_foretell(noise: Corruptor, message: str) -> None:
    chosen = spec("objective", "noise2self")
    assert chosen.extension.demands is not None
    with pytest.raises(ValueError, match=message):
        chosen.extension.demands(chosen.options, noise)


@pytest.mark.parametrize("corruption", ["erasure", "salt_pepper", "impulse", "block_mask"])
def test_emphasised_takes_what_marks_its_pixels(corruption: str) -> None:
    check(parse({"corruptions": [corruption], "objective": "emphasised"}))


class Coder(nn.Module):
    """A denoiser whose values lie in (0, 1), with an encoder."""

    def __init__(self, *hidden: nn.Module) -> None:
        super().__init__()
        width = [64, 12, *(part.out_features for part in hidden if isinstance(part, nn.Linear))][-1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(2)
            self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 12), *hidden)
            self.decoder = nn.Sequential(nn.Linear(width, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))

    def forward(self, x: Tensor) -> Tensor:
        restored: Tensor = self.decoder(self.encoder(x))
        return restored


class Answers(nn.Module):
    """Gives the same answers whatever it is asked."""

    def __init__(self, answers: Tensor) -> None:
        super().__init__()
        self.answers = answers

    def forward(self, x: Tensor) -> Tensor:
        return self.answers


def test_cross_entropy_is_torchs() -> None:
    """Value and gradient, against `binary_cross_entropy` in float64."""
    model, made = Coder(nn.Sigmoid()), objective({"cross_entropy": {}}, ERASURE)
    restored = model(ERASURE(CLEAN, stream(0, "draw")).x).double()
    expected = nn.functional.binary_cross_entropy(restored, CLEAN.double())
    found = made(model, batch(), stream(0, "draw"))
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)
    gradients = [torch.autograd.grad(it, list(model.parameters())) for it in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize(
    ("logit", "clean", "least", "most"),
    [(-200, 0, 0, 1e-6), (200, 1, 0, 1e-6), (-200, 1, 80, 100), (200, 0, 16, 100), (-40, 1, 39.9, 40.1)],
)
def test_cross_entropy_survives_restored_zeros_and_ones(logit: float, clean: float, least: float, most: float) -> None:
    """Where a sigmoid has rounded to 0 or 1 the loss and its gradient stay finite, and a right answer costs nothing."""
    logits = torch.full((1, 1), float(logit), requires_grad=True)
    made = objective({"cross_entropy": {}}, Corruptor())
    loss = made(Answers(torch.sigmoid(logits)), batch(torch.full((1, 1), float(clean))), stream(0))
    loss.backward()
    assert least <= loss.item() <= most
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize(
    ("answer", "clean"), [(-0.01, 0.5), (1.01, 0.5), (0.5, -0.01), (0.5, 1.01), (float("nan"), 0.5)]
)
def test_a_value_outside_of_the_range_makes_the_cross_entropy_nan(answer: float, clean: float) -> None:
    """At which the loop ends, naming epoch and step; the device is not waited for."""
    made = objective({"cross_entropy": {}}, Corruptor())
    answers = torch.full((2, 1), 0.5)
    answers[0] = answer
    assert made(Answers(answers), batch(torch.full((2, 1), clean)), stream(0)).isnan()


def test_emphasis_of_the_cross_entropy_is_linear_in_its_weights() -> None:
    model = Coder(nn.Sigmoid())

    def loss(**options: Any) -> Tensor:
        return losses(objective({"emphasised": {"loss": "cross_entropy", **options}}, ERASURE), model, 1)[0]

    torch.testing.assert_close(loss(a=1, b=1), losses(objective({"cross_entropy": {}}, ERASURE), model, 1)[0])
    torch.testing.assert_close(loss(a=2, b=0.5), 2 * loss(a=1, b=0) + 0.5 * loss(a=0, b=1))


def jacobians(encoder: nn.Module, x: Tensor) -> Tensor:
    """The exact ``||J||_F^2`` of each sample, ``(B,)``, from the whole Jacobian."""
    whole = torch.func.vmap(torch.func.jacrev(lambda one: encoder(one[None])[0]))(x)
    return whole.flatten(1).square().sum(1)


def test_the_contraction_of_one_layer_is_the_exact_jacobian() -> None:
    """In closed form, and so is its gradient."""
    model, made = Coder(nn.Sigmoid()), objective({"contractive": {"weight": 3.0}}, Corruptor())
    exact = jacobians(model.encoder, CLEAN).mean()
    expected = nn.functional.mse_loss(model(CLEAN), CLEAN) + 3.0 * exact / 64
    found = made(model, batch(), stream(0))
    assert 3.0 * exact / 64 > 0.05 * expected
    torch.testing.assert_close(found, expected)
    gradients = [torch.autograd.grad(it, list(model.parameters())) for it in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-7)


def test_the_contraction_of_any_encoder_is_the_jacobian_on_average() -> None:
    """Without bias: over draws of the projections the mean is the exact norm, also where no gradient is asked for."""
    model, few = Coder(nn.Tanh(), nn.Linear(12, 5)), CLEAN[:8]
    made = objective({"contractive": {"weight": 64.0}}, Corruptor())
    with torch.no_grad():
        found = torch.stack([made(model, batch(few), stream(0, number)) for number in range(400)]).double()
    exact = jacobians(model.encoder, few).mean() + nn.functional.mse_loss(model(few), few)
    assert found.std() / 20 < 0.03 * exact
    assert standard_errors(found, exact.item()) < 4


def test_a_contraction_that_is_estimated_is_learnt_from() -> None:
    """With many projections the gradient is nearly that of the exact norm."""
    model, few = Coder(nn.Tanh()), CLEAN[:8]
    weight = model.encoder[1].weight
    (exact,) = torch.autograd.grad(jacobians(model.encoder, few).mean(), weight)
    (error,) = torch.autograd.grad(nn.functional.mse_loss(model(few), few), weight)
    made = objective({"contractive": {"weight": 64.0, "projections": 64}}, Corruptor())
    (found,) = torch.autograd.grad(made(model, batch(few), stream(0)), weight)
    assert torch.nn.functional.cosine_similarity((found - error).flatten(), exact.flatten(), dim=0) > 0.95


def test_a_contraction_is_projected_anew_where_the_noise_stays() -> None:
    model, made = Coder(nn.Tanh()), objective({"contractive": {}})
    first, again, later = (made(model, batch(epoch=epoch), stream(0, "noise")) for epoch in (1, 1, 2))
    assert first == again != later


class Wrapper(nn.Module):
    """Somebody's own module around a network, under a name of his own."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.mine = network

    def forward(self, x: Tensor) -> Tensor:
        restored: Tensor = self.mine(x)
        return restored


WRAPPERS = {
    "a module of the user's": Wrapper,
    "two of them": lambda model: Wrapper(nn.Sequential(Wrapper(model))),
    "DataParallel": nn.DataParallel,
    "an average of weights": AveragedModel,
    "torch.compile": torch.compile,
    "a copy": copy.deepcopy,
}


@pytest.mark.parametrize("hidden", [nn.Sigmoid(), nn.Tanh()], ids=["exact", "estimated"])
@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
@pytest.mark.filterwarnings("ignore:.*")  # torch's own, where it wraps
def test_the_contraction_of_a_wrapped_network_is_the_same(wrap: Any, hidden: nn.Module) -> None:
    """Loss and gradients alike; it had lost its penalty without a word."""
    model, made = Coder(hidden), objective({"contractive": {"weight": 3.0}})
    wrapped = copy.deepcopy(model)
    around = wrap(wrapped)
    if isinstance(around, torch._dynamo.OptimizedModule):
        around.forward = wrapped.forward  # what is compiled is torch's affair, and takes ten seconds
    plain, same = (made(one, batch(), stream(0, "noise")) for one in (model, around))
    assert plain.item() == same.item()
    alone = objective({"contractive": {"weight": 0.0}})(model, batch(), stream(0, "noise"))
    assert plain.item() > alone.item()
    plain.backward()
    same.backward()
    for one, two in zip(model.parameters(), around.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)


def test_a_network_without_one_encoder_has_no_contraction() -> None:
    """None, or several: refused in a sentence, as a loss without its penalty would pass unseen."""
    made = objective({"contractive": {}})
    with pytest.raises(InputError, match=r"needs a network with an `encoder`.* and Conv2d has none"):
        made(nn.Conv2d(1, 1, 1), batch(), stream(0, "noise"))
    both = Wrapper(nn.ModuleDict({"student": Coder(nn.Tanh()), "teacher": Coder(nn.Tanh())}))
    with pytest.raises(InputError, match=r"Wrapper has several: mine.student, mine.teacher. Give one of them"):
        find_encoder(both)
    twice = nn.ModuleList([Wrapper(both.mine.student), Wrapper(both.mine.student)])
    assert find_encoder(twice) is both.mine.student.encoder


@pytest.mark.parametrize(
    "name", ["mse", "l1", "weight_decay", "emphasised", "contractive", "cross_entropy", "sure", "noise2self"]
)
def test_a_network_that_restores_another_shape_is_refused(name: str) -> None:
    """Torch repeats one channel along three, and the loss would be a number all the same."""
    noise = {"erasure": {"p": 0.5}} if name == "emphasised" else {"gaussian_noise": {"sigma": 0.1}}
    made = objective({name: {}}, corruptor(noise))
    colour = torch.rand(4, 3, *CLEAN.shape[2:])
    grey = nn.Conv2d(3, 1, 1)
    with pytest.raises(InputError, match=r"The objective compares what the network restores, \(\d, 1, "):
        made(grey, batch(colour), stream(0, "noise"))
