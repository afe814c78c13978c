"""Checks of objectives: a finite scalar with gradients, smallest where nothing is lost, on a toy."""

import torch
from torch import Tensor, nn

from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import Batch
from daecore.model.autoencoder import Autoencoder
from daecore.model.sampler import Sampler
from daecore.plugin.kinds import Objective
from daecore.rng import stream
from daecore.testing.contract import Check, Subject, Violation
from daecore.testing.globals import leaves_global_state


class Gain(nn.Module):
    """Multiplies by one number."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply a batch."""
        return x * self.gain


class DrawingGain(Sampler):
    """Multiplies by one number, whatever else it is told: without corruption a gain of 1 also draws perfectly."""

    def __init__(self, decoder: Gain) -> None:
        super().__init__(nn.Identity(), decoder)

    def forward(
        self, x: Tensor, state: Tensor | None = None, time: Tensor | None = None, hidden: Tensor | None = None
    ) -> Tensor:
        """Multiply a batch."""
        restored: Tensor = self.decoder(x)
        return restored

    def predict(self, x: Tensor, state: Tensor | None, time: Tensor, hidden: Tensor) -> Tensor:
        """See `Sampler.predict`."""
        restored: Tensor = self(x)
        return restored


class Wrapped(nn.Module):
    """A network inside another module, as `torch.compile`, `DataParallel` and averages of weights wrap it."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *told: Tensor) -> Tensor:
        """What the network makes of a batch."""
        restored: Tensor = self.inner(*told)
        return restored


def _toy(subject: Subject[Objective], gain: float) -> tuple[Autoencoder, Gain]:
    """A network whose code is its input, and its decoder. Without corruption a gain of 1 restores perfectly."""
    decoder = Gain(gain)
    return (DrawingGain(decoder) if subject.extension.draws else Autoencoder(nn.Identity(), decoder)), decoder


def _loss_of(subject: Subject[Objective], model: nn.Module) -> Tensor:
    clean = torch.rand((32, 1, 8, 8), generator=stream(0, "contract"))
    objective = subject.extension.function(subject.options, Corruptor())
    loss: Tensor = objective(model, Batch(clean, None, torch.arange(32)), stream(1, "contract"))
    return loss


def _loss(subject: Subject[Objective], gain: float) -> tuple[Tensor, Gain]:
    toy, decoder = _toy(subject, gain)
    return _loss_of(subject, toy), decoder


def _scalar(subject: Subject[Objective]) -> str:
    loss, _ = _loss(subject, 0.5)
    if not isinstance(loss, Tensor) or loss.dim() or loss.dtype != torch.float32:
        came = (loss.dtype, tuple(loss.shape)) if isinstance(loss, Tensor) else type(loss).__name__
        raise Violation("a float32 scalar", f"{came} came", "Average over the batch, in float32.")
    if not torch.isfinite(loss):
        raise Violation("a finite loss", f"it was {loss.item()}", "Look for a logarithm or a division by zero.")
    return f"{loss.item():.4f} on the toy"


def _differentiable(subject: Subject[Objective]) -> None:
    loss, toy = _loss(subject, 0.5)
    if not loss.requires_grad:
        raise Violation(
            "a loss with gradients", "it has none", "Do not detach, and compute no loss inside torch.no_grad()."
        )
    loss.backward()
    if toy.gain.grad is None or not torch.isfinite(toy.gain.grad) or toy.gain.grad == 0:
        raise Violation(
            "a finite gradient away from the minimum",
            f"it was {toy.gain.grad}",
            "Let the loss depend on what the model restores.",
        )


def _minimum(subject: Subject[Objective]) -> str:
    gains = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]
    losses = [_loss(subject, gain)[0].item() for gain in gains]
    best = gains[losses.index(min(losses))]
    if best != 1:
        raise Violation(
            "the loss to be smallest, without corruption, for the network that gives back what it is given",
            f"it was smallest for {best} times that",
            "Compare what the model restores with the clean batch, or with something of that mean.",
        )
    return "at the identity, without corruption"


def _repeatable(subject: Subject[Objective]) -> None:
    with leaves_global_state("Draw from the generator the loss is given."):
        first = _loss(subject, 0.5)[0]
    if not torch.equal(first, _loss(subject, 0.5)[0]):
        raise Violation(
            "the same loss from the same generator state", "two calls differed", "Draw from the generator it is given."
        )


def _check_wrapped(subject: Subject[Objective]) -> None:
    toy, _ = _toy(subject, 0.5)
    plain, wrapped = _loss_of(subject, toy).item(), _loss_of(subject, Wrapped(toy)).item()
    if plain != wrapped:
        raise Violation(
            "the same loss of a network that is wrapped",
            f"it was {plain:.6g}, and {wrapped:.6g} wrapped",
            "Call daecore.find_encoder(model) in place of model.encoder, and look at no class.",
        )


CHECKS = (
    Check("the loss is a finite scalar", _scalar),
    Check("it has gradients", _differentiable),
    Check("it is smallest at the right place", _minimum),
    Check("one generator state gives one loss", _repeatable),
    Check("a wrapped network has the same loss", _check_wrapped),
)
