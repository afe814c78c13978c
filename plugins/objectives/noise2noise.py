"""Noise2Noise: squared error against a second corrupted copy, so that no clean sample is needed (Lehtinen et al. 2018).

Knows what a target must be: of the right mean, or with the mask of the values that are not. The corruptions are found
by name, and each declares its own bias.
"""

from collections.abc import Sequence

import torch
from pydantic import Field, field_validator
from torch import Generator, Tensor, nn

from daecore import Batch, CorruptionSpec, Corruptor, InputError, Loss, Objective, Options, Spec, hookimpl, stream

from ..bibliography import cite

PROBES = (64, 1024)  # sides of the pictures on which a mask is looked at: the larger one holds any square


class Noise2Noise(Options):
    """Mean squared error against a second, independently corrupted copy of the sample instead of the clean one."""

    target: tuple[CorruptionSpec, ...] = Field(
        default=(),
        max_length=16,
        description="the target's corruptions, in this order; empty: those of the input",
        json_schema_extra={"items": {"type": "object", "description": "one corruption, {name: {option: value}}"}},
    )
    allow_bias: bool = Field(
        default=False,
        description="train against targets whose mean is not the clean sample, too; the network then learns that mean: "
        "noise clipped to [0, 1] makes black grey and white dull, a blurred target stays blurred",
    )

    @field_validator("target", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, value: object) -> object:
        return (value,) if isinstance(value, Spec | dict | str) else value


def noise2noise(options: Noise2Noise, corruptor: Corruptor) -> Loss:
    """The loss ``mean((model(x + n) - (x + d))^2)`` over the target's values that are not masked.

    ``n`` and ``d`` are independent draws. With ``E[d] = 0`` the minimiser is that of clean targets, and the loss
    differs from theirs by the constant ``E[d^2]`` (Lehtinen et al. 2018, section 2). Of links that are biased but say
    which values they touched, those values are left out (their section 3.3, Bernoulli noise); links that are unbiased
    as a whole count as a whole, for what they leave may have been rescaled. The input is drawn first, so that it is
    the very same as with clean targets.

    Each link is taken at its word: its mean for values in ``[0, 1]``, its mask independent of the noise before it.

    Args:
        options: The target's corruptions, if they are not those of the input.
        corruptor: The input's corruptions.

    Raises:
        ValueError: The target's mean is not the clean sample (see `demands`).
    """
    demands(options, corruptor)
    links = _links(options.target or corruptor.specs)

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        restored = model(corruptor(batch.clean, generator).x).float()
        target, masked = _draw(links, batch.clean, generator)
        if target.shape != restored.shape:
            raise InputError(
                f"The objective noise2noise compares what the network restores, {tuple(restored.shape)}, with a target "
                f"of shape {tuple(target.shape)}. Name corruptions that keep the shape as its option `target`."
            )
        errors: Tensor = (restored - target).square()
        if masked is None:
            return errors.mean()
        kept = (~masked).expand_as(errors)
        total: Tensor = (errors * kept).sum()
        return total / kept.sum().clamp_min(1)

    return loss


def demands(options: Noise2Noise, corruptor: Corruptor) -> None:
    """Whether each link of the target's corruptions is unbiased, or masks what it changes.

    Raises:
        ValueError: One is neither, and `allow_bias` is not set.
    """
    wrong = [link for link in _links(options.target or corruptor.specs) if not (link.unbiased or _masks(link))]
    if wrong and not options.allow_bias:
        raise ValueError(
            f"the target's corruption {wrong[0]} is neither unbiased (of the clean sample's mean) nor masked (saying "
            f"which values it changed), so the network would learn its mean, not the clean sample. {_remedy(wrong[0])} "
            "as noise2noise's option `target`; the input's corruption may stay. To see what goes wrong, set allow_bias."
        )


def _links(specs: Sequence[CorruptionSpec]) -> list[Corruptor]:
    return [Corruptor([item]) for item in specs]


def _draw(links: list[Corruptor], clean: Tensor, generator: Generator) -> tuple[Tensor, Tensor | None]:
    """A target like ``clean`` and the values of it that do not count: bool, broadcastable, or None."""
    x, masked = clean, None
    for link in links:
        drawn = link(x, generator)
        x = drawn.x
        if drawn.touched is not None and not link.unbiased:
            masked = drawn.touched if masked is None else masked | drawn.touched
    return x, masked


def _masks(link: Corruptor) -> bool:
    """Whether it says of each value that it changes that it does so, looked at on a random picture."""
    for side in PROBES:
        x = torch.rand((1 if side > PROBES[0] else PROBES[0], 1, side, side), generator=stream(0, "noise2noise"))
        try:
            link.output_shape((1, side, side))
        except InputError:
            continue  # it does not fit in, or is not for pictures
        drawn = link(x, stream(1, "noise2noise"))
        if drawn.touched is None or drawn.x.shape != x.shape:
            return False
        return not ((drawn.x != x) & ~drawn.touched).any()
    return False


def _remedy(link: Corruptor) -> str:
    """What to do: the switch that makes it unbiased, where there is one, or another corruption."""
    [item] = link.specs
    for name, value in item.options:
        if isinstance(value, bool):
            switched = item.options.model_copy(update={name: not value})
            if Corruptor([Spec(item.kind, item.name, switched)]).unbiased:
                return f"Give {item.name} with {name}: {str(not value).lower()}, or another unbiased corruption,"
    return "Give an unbiased corruption, such as gaussian_noise or shot_noise,"


@hookimpl
def register_objectives() -> list[Objective]:
    """Ship `noise2noise`."""
    return [
        Objective(
            name="noise2noise", options=Noise2Noise, function=noise2noise, source=cite("lehtinen2018"), demands=demands
        )
    ]
