"""Mixture: each picture is corrupted in one of several ways, so that one network learns them all."""

from typing import Annotated, Self

import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor

from daecore import Corruption, Corruptor, Options, SingleCorruptionSpec, hookimpl, spec

DEFAULT: list[dict[str, dict[str, float]]] = [{"erasure": {}}, {"gaussian_noise": {}}]

Weight = Annotated[float, Field(ge=0, le=1e6)]


class Mixture(Options):
    """Each picture is corrupted in one of several ways, chosen at random by their weights."""

    corruptions: tuple[SingleCorruptionSpec, ...] = Field(
        default_factory=lambda: tuple(spec("corruption", item) for item in DEFAULT),
        min_length=1,
        max_length=16,
        description="the ways; each keeps the picture's shape",
        json_schema_extra={"default": DEFAULT},  # type: ignore[dict-item]
    )
    weights: tuple[Weight, ...] = Field(
        default=(), max_length=16, description="how often each is chosen, relatively; empty: all alike"
    )

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        if self.weights and (len(self.weights) != len(self.corruptions) or not sum(self.weights)):
            raise ValueError(
                f"weights needs one number for each of the {len(self.corruptions)} corruptions, not all of "
                f"them 0, got {self.weights}: mend it, or leave it empty"
            )
        return self


def mixture(x: Tensor, options: Mixture, *, generator: Generator) -> Tensor | tuple[Tensor, Tensor]:
    """Corrupt the whole batch in every way, then choose one for each sample.

    Args:
        x: Samples ``(B, *shape)``.
        options: The corruptions and their weights.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        The corrupted samples ``(B, *shape)``, with the mask of touched values if each way gives one.
    """
    results = [Corruptor([item])(x, generator) for item in options.corruptions]
    chosen = _choice(x, options, generator)
    corrupted, touched = results[0].x, results[0].touched
    for number, result in enumerate(results[1:], start=1):
        corrupted = torch.where(chosen == number, result.x, corrupted)
        both = touched is not None and result.touched is not None
        touched = torch.where(chosen == number, result.touched, touched) if both else None  # type: ignore[arg-type]
    return corrupted if touched is None else (corrupted, touched)


def _choice(x: Tensor, options: Mixture, generator: Generator) -> Tensor:
    """Which way each sample goes: int ``(B, 1, ...)``."""
    weights = options.weights or (1.0,) * len(options.corruptions)
    draw = torch.rand((x.shape[0], *[1] * (x.dim() - 1)), generator=generator, device=x.device) * sum(weights)
    bounds = [sum(weights[: number + 1]) for number in range(len(weights) - 1)]
    return sum((draw >= bound).int() for bound in bounds) if bounds else torch.zeros_like(draw).int()  # type: ignore[return-value]


def mixture_shape(shape: tuple[int, ...], options: Mixture) -> tuple[int, ...]:
    """The shape stays.

    Raises:
        ValueError: A corruption changes it, or cannot take such samples.
    """
    for item in options.corruptions:
        after = Corruptor([item]).output_shape(shape)
        if after != shape:
            raise ValueError(f"{item} makes {after} of {shape}; in a mixture all must keep the shape")
    return shape


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `mixture`."""
    return [
        Corruption(
            name="mixture",
            options=Mixture,
            function=mixture,
            random=True,
            unbiased=lambda options: Corruptor(options.corruptions).unbiased,
            output_shape=mixture_shape,
            host=lambda options: Corruptor(options.corruptions).host,
            composite=True,
        )
    ]
