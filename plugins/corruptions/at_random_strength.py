"""A corruption at a random strength for each picture: what a blind denoiser is trained on."""

from typing import Any, Self

import torch
from pydantic import Field, ValidationError, model_validator
from torch import Generator, Tensor

from daecore import Corruption, Corruptor, Options, SingleCorruptionSpec, hookimpl, spec

DEFAULT: dict[str, dict[str, float]] = {"gaussian_noise": {}}


class AtRandomStrength(Options):
    """Each picture is corrupted at a strength of its own, uniform over a range."""

    corruption: SingleCorruptionSpec = Field(
        default_factory=lambda: spec("corruption", DEFAULT),
        description="the corruption; one whose strength may differ from picture to picture",
        json_schema_extra={"default": DEFAULT},  # type: ignore[dict-item]
    )
    low: float = Field(default=0.05, ge=-1e6, le=1e6, description="weakest strength, in the corruption's own unit")
    high: float = Field(default=0.5, ge=-1e6, le=1e6, description="strongest strength, in the corruption's own unit")

    @model_validator(mode="after")
    def _has_a_strength_per_image(self) -> Self:
        extension = self.corruption.extension
        if extension.strength is None or not extension.per_image:
            raise ValueError(
                f"{self.corruption.name} takes one strength for a whole batch, not one for each picture; choose a "
                "corruption that declares per_image, such as gaussian_noise, erasure or blur"
            )
        for value in (self.low, self.high):
            try:
                extension.options.model_validate(
                    self.corruption.options.model_dump() | {extension.strength.option: value}
                )
            except ValidationError as error:
                said = error.errors(include_url=False)[0]["msg"]
                raise ValueError(
                    f"{extension.strength.option}={value} is no strength of {extension.name}: {said}"
                ) from None
        return self


def at_random_strength(x: Tensor, options: AtRandomStrength, *, generator: Generator) -> Any:
    """Draw a strength for each sample, then corrupt the batch at once.

    Args:
        x: Samples ``(B, *shape)``.
        options: The corruption and the range.
        generator: The source of randomness, on the device of ``x``.

    Returns:
        What the corruption gives.
    """
    chosen = options.corruption
    draw = torch.rand((x.shape[0], *[1] * (x.dim() - 1)), generator=generator, device=x.device)
    strength = draw * (options.high - options.low) + options.low
    at = chosen.options.model_copy(update={chosen.extension.strength.option: strength})  # type: ignore[union-attr]
    return chosen.extension.function(x, at, generator=generator)


def _is_unbiased(options: AtRandomStrength) -> bool:
    """Whether it is so at both ends: one of them may be the identity."""
    chosen = options.corruption
    name = chosen.extension.strength.option  # type: ignore[union-attr]
    ends = [{chosen.name: {**chosen.options.model_dump(), name: value}} for value in (options.low, options.high)]
    return all(Corruptor([spec("corruption", end)]).unbiased for end in ends)


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `at_random_strength`."""
    return [
        Corruption(
            name="at_random_strength",
            options=AtRandomStrength,
            function=at_random_strength,
            random=True,
            unbiased=_is_unbiased,
            output_shape=lambda shape, options: Corruptor([options.corruption]).output_shape(shape),
            host=lambda options: Corruptor([options.corruption]).host,
            composite=True,
        )
    ]
