"""Contraction: a code that hardly moves when the picture does (Rifai et al. 2011)."""

import torch
from pydantic import Field
from torch import Generator, Tensor, nn

from daecore import Batch, Corruptor, Loss, Objective, Options, find_encoder, hookimpl, stream

from ..bibliography import cite
from .reconstruction import Measure, needs_bounds, value_errors


class Contractive(Options):
    """Reconstruction error, plus lambda times the squared Frobenius norm of the encoder's Jacobian."""

    weight: float = Field(default=0.1, ge=0, le=1000, description="lambda, beside the error summed over the values")
    loss: Measure = Field(default="squared", description="error of each value; cross-entropy needs values in [0, 1]")
    projections: int = Field(
        default=1, ge=1, le=64, description="random projections of the Jacobian, where it has no closed form"
    )


def contractive(options: Contractive, corruptor: Corruptor) -> Loss:
    """The loss ``mean_x (sum of value errors + lambda ||J_f(x)||_F^2) / D``, f the encoder, D values a sample.

    Divided by D, the error is the mean over values as in the other objectives, and lambda is the paper's, which sums
    (it chose lambda by validation; 0.1 is the deep learning tutorials' for MNIST). Without corruptions this is the
    paper's objective; with them J is taken where the encoder is, at the corrupted sample. The encoder of a wrapped
    network is found (`find_encoder`); one without an encoder has no code and is refused.

    Source: Rifai, Vincent, Muller, Glorot and Bengio, "Contractive auto-encoders", ICML 2011, equations 4 and 9.
    """

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        x = corruptor(batch.clean, generator).x
        error = value_errors(model(x), batch.clean, options.loss).mean()
        if not options.weight:
            return error
        encoder = find_encoder(model)
        fresh = stream(generator.initial_seed(), "projections", batch.epoch, device=x.device)
        with torch.autocast(x.device.type, enabled=False):
            penalty = squared_jacobian(encoder, x, fresh, options.projections).mean()
        return error + options.weight / batch.clean[0].numel() * penalty

    return loss


def squared_jacobian(encoder: nn.Module, x: Tensor, generator: Generator, projections: int = 1) -> Tensor:
    """``||J_f(x)||_F^2`` of each sample, ``(B,)``, differentiable in the weights.

    One layer of sigmoids h has the closed form ``sum_i (h_i (1 - h_i))^2 sum_j W_ij^2``. For any other encoder the mean
    of ``||v^T J||^2`` over random signs v is an unbiased estimate (Hutchinson, 1989), if samples do not enter each
    other's codes.

    Args:
        encoder: Maps a batch to codes ``(B, ...)``.
        x: ``(B, *shape)``.
        generator: Draws the signs, on the device of ``x``.
        projections: How many are averaged.
    """
    layer = _lone_layer(encoder)
    if layer is not None:
        code = encoder(x)
        norms: Tensor = (code * (1 - code)).square() @ layer.weight.square().sum(1)
        return norms
    with torch.enable_grad():  # also where only a loss is asked for
        seen = x.detach().requires_grad_()
        code = encoder(seen).flatten(1)
        drawn = [torch.rand(code.shape, generator=generator, device=x.device) for _ in range(projections)]
        pulled = [torch.autograd.grad(code, seen, _signs(draw), create_graph=True)[0] for draw in drawn]
    return torch.stack([item.flatten(1).square().sum(1) for item in pulled]).mean(0)


def _signs(draw: Tensor) -> Tensor:
    """+1 or -1, each half of the time."""
    return (draw < 0.5).to(draw.dtype).mul_(2).sub_(1)


def _lone_layer(encoder: nn.Module) -> nn.Linear | None:
    """The layer of an encoder that is one layer of sigmoids; None for any other."""
    parts = [part for part in encoder if not isinstance(part, nn.Flatten)] if isinstance(encoder, nn.Sequential) else []
    alone = len(parts) == 2 and isinstance(parts[1], nn.Sigmoid)
    return parts[0] if alone and isinstance(parts[0], nn.Linear) else None


@hookimpl
def register_objectives() -> list[Objective]:
    """Ship `contractive`."""
    return [
        Objective(
            name="contractive",
            options=Contractive,
            function=contractive,
            source=cite("rifai2011"),
            bounded=needs_bounds,
        )
    ]
