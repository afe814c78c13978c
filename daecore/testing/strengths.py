"""Checks of a corruption's declared strength: where nothing happens, which way it grows, one for each picture."""

from dataclasses import replace
from itertools import pairwise

import torch

from daecore.corruption.pairs import enlarge
from daecore.plugin.kinds import Corruption
from daecore.plugin.options import Strength
from daecore.stats.metrics import psnr
from daecore.testing.contract import Check, NotChecked, Subject, Violation, tried_shapes
from daecore.testing.drawing import apply, declared_shape, pictures, shapes

RISE_DB = 0.1  # what chance may add to the PSNR from one strength to the next
ALIKE = 0.1  # relative difference of squared errors that chance may cause


def _identity(subject: Subject[Corruption]) -> str:
    strength = subject.extension.strength
    if strength is None or strength.identity is None:
        raise NotChecked("it declares no strength at which nothing happens")
    x = pictures(shapes(subject)[0], 8)
    y, _ = apply(subject, x, {strength.option: subject.extension.as_strength(strength.identity)})
    if y.shape != x.shape or not torch.allclose(y, x, atol=1e-4):
        raise Violation(
            f"the clean batch at {strength.option}={strength.identity}, the declared identity",
            "another one came",
            "Declare identity=None if there is no such value.",
        )
    return f"{strength.option}={strength.identity}"


def _monotone(subject: Subject[Corruption]) -> str:
    strength = subject.extension.strength
    if strength is None:
        raise NotChecked("it declares no strength")
    if len(shapes(subject)[0]) == 1:
        raise NotChecked("points have no PSNR")
    found = _strengths(subject, strength)
    for (weaker, before), (stronger, after) in pairwise(found):
        if after > before + RISE_DB:
            raise Violation(
                f"a PSNR that does not rise from the weakest {strength.option} ({strength.low}) to the strongest "
                f"({strength.high})",
                f"{before:.2f} dB at {weaker} became {after:.2f} dB at {stronger}",
                "Turn low and high round, or name another option as the strength.",
            )
    return f"{found[0][1]:.1f} dB at {found[0][0]} to {found[-1][1]:.1f} dB at {found[-1][0]}"


def _strengths(subject: Subject[Corruption], strength: Strength) -> list[tuple[float, float]]:
    """``(strength, PSNR in dB)`` from the weakest to the strongest, on pictures that all of them take."""
    values = subject.extension.strengths(5)
    subjects = {value: _at(subject, strength.option, value) for value in values}
    ends = [set(shapes(subjects[value])) for value in (values[0], values[-1])]
    shape = next((shape for shape in tried_shapes(subject) if all(shape in taken for taken in ends)), None)
    if shape is None:
        raise NotChecked("no picture that is tried fits both its weakest and its strongest value")
    x = pictures(shape, 128)
    return [
        (value, psnr(enlarge(apply(one, x)[0], shape), x).mean().item())
        for value, one in subjects.items()
        if declared_shape(one, shape) is not None
    ]


def _at(subject: Subject[Corruption], option: str, value: float) -> Subject[Corruption]:
    return replace(subject, options=subject.options.model_copy(update={option: value}))


def _per_image(subject: Subject[Corruption]) -> None:
    strength = subject.extension.strength
    if not subject.extension.per_image:
        raise NotChecked("it does not declare per_image")
    if strength is None:
        raise Violation("a strength, as it declares per_image", "there is none", "Declare strength=Strength(...).")
    shape = shapes(subject)[0]
    x, half = pictures(shape, 64), 32
    each = torch.tensor([strength.low, strength.high]).repeat_interleave(half).reshape(-1, *[1] * len(shape))
    mixed = apply(subject, x, {strength.option: each})[0]
    for part, value in ((slice(None, half), strength.low), (slice(half, None), strength.high)):
        alone = apply(subject, x, {strength.option: value})[0]
        together, apart = ((y[part] - x[part]).square().mean().item() for y in (mixed, alone))
        if abs(together - apart) > ALIKE * apart:
            raise Violation(
                f"images with {strength.option}={value} in a mixed batch to be corrupted as by a batch of them alone",
                f"the mean squared errors are {together:.4g} and {apart:.4g}",
                "Let the option be a (B, 1, 1, 1) tensor everywhere, or declare per_image=False.",
            )


CHECKS = (
    Check("nothing happens at the identity", _identity),
    Check("PSNR does not rise with strength", _monotone),
    Check("a strength per image works", _per_image),
)
