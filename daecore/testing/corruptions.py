"""Checks of corruptions: one draw at a time, on smooth pictures or on points, with a fixed seed."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from daecore.corruption import declared
from daecore.errors import InputError
from daecore.extension import Extension, Strength
from daecore.metrics import psnr
from daecore.pairs import enlarge
from daecore.place import autocast
from daecore.rng import stream
from daecore.samples import Shape
from daecore.testing.bias import CHECK as UNBIASED
from daecore.testing.contract import Check, NotJudged, Subject, Violation
from daecore.testing.globals import leaves_global_state
from daecore.testing.spawn import in_another_process

RISE_DB = 0.1  # what chance may add to the PSNR from one strength to the next
ALIKE = 0.1  # relative difference of squared errors that chance may cause


def pictures(shape: Shape, count: int) -> Tensor:
    """Smooth pictures with black, white and everything between, or points: float32 ``(count, *shape)``."""
    generator = stream(0, "contract", *shape)
    if len(shape) == 1:
        return torch.randn((count, *shape), generator=generator)
    channels, height, width = shape
    coarse = torch.rand((count, channels, 5, 5), generator=generator)
    fine = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False)
    return fine.sub(0.2).mul(1.6).clamp(0, 1).mul(255).round().div(255)


def apply(
    subject: Subject, x: Tensor, changes: Mapping[str, Any] | None = None, *, seed: int = 0
) -> tuple[Tensor, Tensor | None]:
    """Corrupt with the subject's options, some of them changed."""
    options = subject.options.model_copy(update=changes or {})
    result = subject.extension.function(x, options, generator=stream(seed, "contract", device=x.device))
    return result if isinstance(result, tuple) else (result, None)


def shapes(subject: Subject) -> list[Shape]:
    """The shapes it takes with these options.

    Raises:
        Violation: None of those that are tried.
    """
    taken = [shape for shape in subject.shapes if _declared(subject, shape) is not None]
    if not taken:
        raise Violation(
            f"a corruption of {subject.extension.shapes} to take one of {subject.shapes}",
            "output_shape refused them all",
            "Let output_shape raise ValueError only for shapes that cannot be taken.",
        )
    return taken


def _declared(subject: Subject, shape: Shape) -> Shape | None:
    """The shape it says it gives; None if it says that it cannot take this one."""
    try:
        change = subject.extension.output_shape
        return tuple(change(shape, subject.options)) if change else shape
    except (ValueError, InputError):
        return None


def _shape(subject: Subject) -> str:
    for shape in shapes(subject):
        for count in (1, 7):
            y, _ = apply(subject, pictures(shape, count))
            expected = (count, *(_declared(subject, shape) or ()))
            if tuple(y.shape) != expected:
                raise Violation(
                    f"a batch of shape {expected} from one of {(count, *shape)}",
                    f"the shape {tuple(y.shape)} came",
                    "Keep the shape, or declare output_shape.",
                )
    return ", ".join("x".join(map(str, shape)) for shape in shapes(subject)) + " in batches of 1 and 7"


def _type(subject: Subject) -> None:
    x = pictures(shapes(subject)[0], 3)
    y, _ = apply(subject, x)
    if y.dtype != x.dtype or y.device != x.device:
        raise Violation(
            f"{x.dtype} on {x.device}",
            f"{y.dtype} on {y.device} came",
            "Make new tensors with dtype=x.dtype, device=x.device.",
        )


def _untouched_input(subject: Subject) -> None:
    for shape in shapes(subject):
        x = pictures(shape, 5)
        before = x.clone()
        apply(subject, x)
        if not torch.equal(x, before):
            raise Violation(
                "the clean batch as it was: it is the target",
                "it was changed in place",
                "Work on a copy, or without trailing-underscore methods on x.",
            )


def _global_state(subject: Subject) -> None:
    with leaves_global_state("Draw from the generator you are given: torch.rand(..., generator=generator)."):
        apply(subject, pictures(shapes(subject)[0], 5))


def _same_seed(subject: Subject) -> None:
    x = pictures(shapes(subject)[0], 8)
    if not torch.equal(apply(subject, x)[0], apply(subject, x)[0]):
        raise Violation(
            "the same bytes from the same generator state",
            "two calls differed",
            "Draw every random number from the generator you are given.",
        )


def _other_seed(subject: Subject) -> None:
    x = pictures(shapes(subject)[0], 64)
    same = torch.equal(apply(subject, x, seed=0)[0], apply(subject, x, seed=1)[0])
    if same == subject.extension.random:
        came = "two seeds gave the same bytes" if same else "two seeds gave different bytes"
        raise Violation(
            f"what random={subject.extension.random} says",
            came,
            f"Declare random={not same}, or use the generator accordingly.",
        )


def _finite(subject: Subject) -> None:
    for shape in shapes(subject):
        for x in (pictures(shape, 7), torch.zeros(2, *shape), torch.ones(2, *shape)):
            y, _ = apply(subject, x)
            if not torch.isfinite(y).all():
                bad = int((~torch.isfinite(y)).sum())
                raise Violation(
                    "finite numbers for every picture, black and white ones too",
                    f"{bad} of {y.numel()} values are NaN or infinite",
                    "Look for a division by zero or a logarithm of it.",
                )


def _touched(subject: Subject) -> str:
    x = pictures(shapes(subject)[0], 16)
    y, touched = apply(subject, x)
    if touched is None:
        raise NotJudged("it gives no mask of touched values")
    if touched.dtype != torch.bool:
        raise Violation("a mask of type bool", f"{touched.dtype} came", "Compare, do not multiply.")
    if y.shape == x.shape and not torch.equal(y[~touched.expand_as(y)], x[~touched.expand_as(x)]):
        raise Violation(
            "values outside the mask as they were",
            "some of them changed",
            "Return True wherever a value may have been changed.",
        )
    return f"{touched.float().mean().item():.1%} touched"


def _identity(subject: Subject) -> str:
    strength = subject.extension.strength
    if strength is None or strength.identity is None:
        raise NotJudged("it declares no strength at which nothing happens")
    x = pictures(shapes(subject)[0], 8)
    y, _ = apply(subject, x, {strength.option: _typed(subject, strength.identity)})
    if y.shape != x.shape or not torch.allclose(y, x, atol=1e-4):
        raise Violation(
            f"the clean batch at {strength.option}={strength.identity}, the declared identity",
            "another one came",
            "Declare identity=None if there is no such value.",
        )
    return f"{strength.option}={strength.identity}"


def _monotone(subject: Subject) -> str:
    strength = subject.extension.strength
    if strength is None:
        raise NotJudged("it declares no strength")
    if len(shapes(subject)[0]) == 1:
        raise NotJudged("points have no PSNR")
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


def _strengths(subject: Subject, strength: Strength) -> list[tuple[float, float]]:
    """``(strength, PSNR in dB)`` from the weakest to the strongest, on pictures that all of them take."""
    values = [_typed(subject, strength.low + (strength.high - strength.low) * step / 4) for step in range(5)]
    subjects = {value: _at(subject, strength.option, value) for value in dict.fromkeys(values)}
    ends = [set(shapes(subjects[value])) for value in (values[0], values[-1])]
    shape = next((shape for shape in subject.shapes if all(shape in taken for taken in ends)), None)
    if shape is None:
        raise NotJudged("no picture that is tried fits both its weakest and its strongest value")
    x = pictures(shape, 128)
    return [
        (value, psnr(enlarge(apply(one, x)[0], shape), x).mean().item())
        for value, one in subjects.items()
        if _declared(one, shape) is not None
    ]


def _at(subject: Subject, option: str, value: float) -> Subject:
    return replace(subject, options=subject.options.model_copy(update={option: value}))


def _typed(subject: Subject, value: float) -> float:
    """The value as the strength's option takes it: whole numbers where it is an int."""
    field = subject.extension.options.model_fields[subject.extension.strength.option]  # type: ignore[union-attr]
    return round(value) if field.annotation is int else value


def _per_image(subject: Subject) -> None:
    strength = subject.extension.strength
    if not subject.extension.per_image:
        raise NotJudged("it does not declare per_image")
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


def _meta(subject: Subject) -> None:
    if declared(subject.extension.host, subject.options):
        raise NotJudged("it declares that it needs the CPU (host)")
    x = torch.empty((5, *shapes(subject)[0]), device="meta")
    try:
        y, _ = apply(subject, x)
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise Violation(
            "no value to be read back by the host: a GPU would wait for it in every step",
            f"without values it raised {type(error).__name__}: {text}",
            "Avoid .item(), float(tensor), boolean indexing and tensors on the CPU, or declare host=True.",
        ) from None
    if y.device.type != "meta":
        raise Violation(
            "a result on the device of x", f"it came on {y.device}", "Make new tensors with device=x.device."
        )


def _mixed_precision(subject: Subject) -> None:
    x = pictures(shapes(subject)[0], 8)
    with autocast(x.device, "bf16"):
        mixed, _ = apply(subject, x)
    if not torch.equal(mixed, apply(subject, x)[0]):
        raise Violation(
            "the same bytes within bf16 autocast: training and evaluation must see one corruption",
            "they differed",
            "Put matrix products and convolutions under torch.autocast(x.device.type, enabled=False).",
        )


def _spawn(subject: Subject) -> None:
    shape = shapes(subject)[0]
    here = apply(subject, pictures(shape, 3))[0]
    there = in_another_process(_first_bytes, subject.extension.function, subject.options, shape)
    if here.numpy().tobytes() != there:
        raise Violation(
            "the same bytes in a process of its own",
            "they differed",
            "Keep no state in the module: what a corruption needs comes with its options and its generator.",
        )


def _first_bytes(function: Any, options: Any, shape: Shape) -> bytes:
    result = function(pictures(shape, 3), options, generator=stream(0, "contract"))
    y: Tensor = result[0] if isinstance(result, tuple) else result
    return y.numpy().tobytes()


def speed(extension: Extension) -> str:
    """How fast a corruption is here with its defaults, in words."""
    return _speed(Subject("corruption", extension, extension.options(), Path()))


def _speed(subject: Subject) -> str:
    x = pictures(shapes(subject)[0], 256)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        apply(subject, x)
        seconds.append(time.perf_counter() - began)
    return f"{256 / statistics.median(seconds):,.0f} samples a second here, on {torch.get_num_threads()} threads"


CHECKS = (
    Check("shapes are as declared", _shape),
    Check("type and device are kept", _type),
    Check("the clean batch is not changed", _untouched_input),
    Check("no global random state is touched", _global_state),
    Check("one generator state gives one result", _same_seed),
    Check("it is as random as declared", _other_seed),
    Check("the result is finite", _finite),
    Check("the mask covers what changed", _touched),
    Check("nothing happens at the identity", _identity),
    Check("PSNR does not rise with strength", _monotone),
    Check("a strength per image works", _per_image),
    Check("the host is not waited for", _meta),
    Check("mixed precision does not change it", _mixed_precision),
    Check("another process computes the same", _spawn),
    UNBIASED,
    Check("speed", _speed),
)
