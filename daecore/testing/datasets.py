"""Checks of datasets: what is loaded is what is declared, and no test image is trained on."""

import hashlib

import torch
from torch import Tensor

from daecore.errors import DaecoreError
from daecore.samples import Samples, Splits
from daecore.testing.contract import Check, NotJudged, Subject, Violation
from daecore.testing.globals import leaves_global_state


def load(subject: Subject) -> Splits:
    """The dataset, as its function gives it.

    Raises:
        NotJudged: It is not to be had here (no network, or no folder was named).
        Violation: Something else than `Splits` came.
    """
    try:
        splits = subject.extension.function(subject.options, cache=subject.cache)
    except DaecoreError as error:
        raise NotJudged(f"it cannot be loaded here: {error}") from None
    if not isinstance(splits, Splits):
        raise Violation("daecore.Splits", f"{type(splits).__name__} came", "Return Splits(train, validation, (test,)).")
    return splits


def _sets(splits: Splits) -> list[tuple[str, Samples]]:
    return [("train", splits.train), ("validation", splits.validation), *(("test", group) for group in splits.test)]


def _storage(subject: Subject) -> str:
    splits = load(subject)
    for name, samples in _sets(splits):
        if not len(samples):
            raise Violation("samples in every set", f"{name} is empty", "Split so that each set has some.")
        images = samples.data.dim() == 4 and (samples.data.dtype == torch.uint8 or _between_0_and_1(samples.data))
        points = samples.data.dim() == 2 and samples.data.dtype == torch.float32
        if not (images or points):
            raise Violation(
                "images (N, C, H, W) as uint8 or as float32 in [0, 1], or points as float32 (N, D)",
                f"{name} holds {samples.data.dtype} {tuple(samples.data.shape)}",
                "Convert when loading: `(pixels * 255).round().to(torch.uint8)`.",
            )
    return ", ".join(f"{name} {len(samples):,}" for name, samples in _sets(splits))


def _between_0_and_1(data: Tensor) -> bool:
    return data.dtype == torch.float32 and bool(((data >= 0) & (data <= 1)).all())


def _shape(subject: Subject) -> str:
    declared, splits = subject.extension.sample_shape, load(subject)
    if declared is None:
        raise Violation(
            "sample_shape, by which an experiment is checked before data are read",
            "none is declared",
            "Declare sample_shape=lambda options: (C, H, W).",
        )
    expected = tuple(declared(subject.options))
    if splits.train.shape != expected or splits.validation.shape != expected:
        raise Violation(
            f"training and validation samples of shape {expected}, as declared",
            f"{splits.train.shape} and {splits.validation.shape} came",
            "Declare the shape that is loaded.",
        )
    for _, samples in _sets(splits):
        if not subject.extension.takes(samples.shape):
            raise Violation(
                f"{subject.extension.shapes}, as declared", f"samples of shape {samples.shape} came", "Mend `shapes`."
            )
    return "x".join(map(str, expected))


def _finite(subject: Subject) -> None:
    for name, samples in _sets(load(subject)):
        if samples.data.is_floating_point() and not torch.isfinite(samples.data).all():
            raise Violation(
                "finite coordinates", f"{name} holds NaN or infinity", "Drop such samples, or refuse the file."
            )


def _labels(subject: Subject) -> str:
    splits, declared = load(subject), subject.extension.classes
    if splits.classes != declared:
        raise Violation(
            f"{declared} classes, as declared", f"Splits.classes is {splits.classes}", "Make the two agree."
        )
    if declared is None:
        raise NotJudged("it declares no classes")
    for name, samples in _sets(splits):
        labels = samples.labels
        if labels is None or labels.dtype != torch.int64 or labels.shape != (len(samples),):
            raise Violation(
                "int64 labels (N,) in every set",
                f"{name} has {None if labels is None else (labels.dtype, tuple(labels.shape))}",
                "Give Samples(data, labels.long()).",
            )
        found = labels.unique().tolist()
        if found != list(range(declared)):
            raise Violation(
                f"labels 0 to {declared - 1}, each of them in every set",
                f"{name} has {found[:20]}",
                "Number the classes from 0, and split so that each set has all of them.",
            )
    return f"{declared} classes"


def _disjoint(subject: Subject) -> None:
    splits = load(subject)
    seen: dict[bytes, str] = {}
    for name, samples in _sets(splits):
        values = samples.data.contiguous().flatten(1).numpy()
        for position, row in enumerate(values):
            content = hashlib.blake2b(row.tobytes(), digest_size=16).digest() + str(samples.shape).encode()
            if seen.setdefault(content, name) != name:
                raise Violation(
                    "sets without a sample in common: what is judged must not have been trained on",
                    f"sample {position} of {name} is in {seen[content]} too",
                    "Split by content, or drop what is there twice.",
                )


def _repeatable(subject: Subject) -> str:
    with leaves_global_state("Draw splits and crops from daecore.stream(seed, 'what for')."):
        first = load(subject).digest
    if load(subject).digest != first:
        raise Violation(
            "the same samples from the same options",
            "two loads differed",
            "Sort file names, and draw from daecore.stream(seed, 'what for').",
        )
    return f"sha256 {first[:12]}"


CHECKS = (
    Check("samples are stored by the tensor rule", _storage),
    Check("the shape is as declared", _shape),
    Check("coordinates are finite", _finite),
    Check("labels and classes are as declared", _labels),
    Check("no sample is in two sets", _disjoint),
    Check("loading again gives the same", _repeatable),
)
