"""Checks of corruptions: one draw at a time, on smooth pictures or on points, with a fixed seed."""

import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from daecore.data.batch_source import Shape
from daecore.device import autocast
from daecore.plugin.extension import declared_value
from daecore.plugin.kinds import Corruption
from daecore.rng import stream
from daecore.testing.bias import CHECK as UNBIASED
from daecore.testing.contract import Check, NotChecked, Subject, Violation
from daecore.testing.drawing import apply, declared_shape, pictures, shapes
from daecore.testing.globals import leaves_global_state
from daecore.testing.spawn import in_another_process
from daecore.testing.strengths import CHECKS as STRENGTHS
from daecore.testing.white_noise import CHECK as WHITE_NOISE


def _shape(subject: Subject[Corruption]) -> str:
    for shape in shapes(subject):
        for count in (1, 7):
            y, _ = apply(subject, pictures(shape, count))
            expected = (count, *(declared_shape(subject, shape) or ()))
            if tuple(y.shape) != expected:
                raise Violation(
                    f"a batch of shape {expected} from one of {(count, *shape)}",
                    f"the shape {tuple(y.shape)} came",
                    "Keep the shape, or declare output_shape.",
                )
    return ", ".join("x".join(map(str, shape)) for shape in shapes(subject)) + " in batches of 1 and 7"


def _type(subject: Subject[Corruption]) -> None:
    x = pictures(shapes(subject)[0], 3)
    y, _ = apply(subject, x)
    if y.dtype != x.dtype or y.device != x.device:
        raise Violation(
            f"{x.dtype} on {x.device}",
            f"{y.dtype} on {y.device} came",
            "Make new tensors with dtype=x.dtype, device=x.device.",
        )


def _check_clean_batch(subject: Subject[Corruption]) -> None:
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


def _global_state(subject: Subject[Corruption]) -> None:
    with leaves_global_state("Draw from the generator you are given: torch.rand(..., generator=generator)."):
        apply(subject, pictures(shapes(subject)[0], 5))


def _same_seed(subject: Subject[Corruption]) -> None:
    x = pictures(shapes(subject)[0], 8)
    if not torch.equal(apply(subject, x)[0], apply(subject, x)[0]):
        raise Violation(
            "the same bytes from the same generator state",
            "two calls differed",
            "Draw every random number from the generator you are given.",
        )


def _other_seed(subject: Subject[Corruption]) -> None:
    x = pictures(shapes(subject)[0], 64)
    same = torch.equal(apply(subject, x, seed=0)[0], apply(subject, x, seed=1)[0])
    if same == subject.extension.random:
        came = "two seeds gave the same bytes" if same else "two seeds gave different bytes"
        raise Violation(
            f"what random={subject.extension.random} says",
            came,
            f"Declare random={not same}, or use the generator accordingly.",
        )


def _finite(subject: Subject[Corruption]) -> None:
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


def _check_touched(subject: Subject[Corruption]) -> str:
    x = pictures(shapes(subject)[0], 16)
    y, touched = apply(subject, x)
    if touched is None:
        raise NotChecked("it gives no mask of touched values")
    if touched.dtype != torch.bool:
        raise Violation("a mask of type bool", f"{touched.dtype} came", "Compare, do not multiply.")
    if y.shape == x.shape and not torch.equal(y[~touched.expand_as(y)], x[~touched.expand_as(x)]):
        raise Violation(
            "values outside the mask as they were",
            "some of them changed",
            "Return True wherever a value may have been changed.",
        )
    return f"{touched.float().mean().item():.1%} touched"


def _meta(subject: Subject[Corruption]) -> None:
    if declared_value(subject.extension.host, subject.options):
        raise NotChecked("it declares that it needs the CPU (host)")
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


def _check_mixed_precision(subject: Subject[Corruption]) -> None:
    x = pictures(shapes(subject)[0], 8)
    with autocast(x.device, "bf16"):
        mixed, _ = apply(subject, x)
    if not torch.equal(mixed, apply(subject, x)[0]):
        raise Violation(
            "the same bytes within bf16 autocast: training and evaluation must see one corruption",
            "they differed",
            "Put matrix products and convolutions under torch.autocast(x.device.type, enabled=False).",
        )


def _spawn(subject: Subject[Corruption]) -> None:
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


def speed(extension: Corruption) -> str:
    """How fast a corruption is here with its defaults, in words."""
    return _speed(Subject(extension, extension.options(), Path()))


def _speed(subject: Subject[Corruption]) -> str:
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
    Check("the clean batch is not changed", _check_clean_batch),
    Check("no global random state is touched", _global_state),
    Check("one generator state gives one result", _same_seed),
    Check("it is as random as declared", _other_seed),
    Check("the result is finite", _finite),
    Check("the mask covers what changed", _check_touched),
    *STRENGTHS,
    Check("the host is not waited for", _meta),
    Check("mixed precision does not change it", _check_mixed_precision),
    Check("another process computes the same", _spawn),
    UNBIASED,
    WHITE_NOISE,
    Check("speed", _speed),
)
