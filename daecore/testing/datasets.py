"""Checks of datasets: what is loaded is what is declared, and no test image is trained on."""

import hashlib
from collections.abc import Iterator

from daecore.data.sample_store import open_sets, write_pieces
from daecore.data.samples import Splits
from daecore.data.tensor_rule import require_values
from daecore.errors import DaecoreError, SamplesError
from daecore.experiment.loading import require_piece
from daecore.plugin.extension import declared_value
from daecore.plugin.kinds import Dataset
from daecore.testing.contract import Check, NotChecked, Subject, Violation
from daecore.testing.globals import leaves_global_state

ROWS = 1024  # samples that are made floats at once


def load(subject: Subject[Dataset]) -> Splits:
    """The dataset, as its function gives it.

    Raises:
        NotChecked: It is not to be had here (no network, or no folder was named), or another check tells what is wrong.
        Violation: Something else than `Splits` came.
    """
    try:
        return _load(subject)
    except SamplesError:
        raise NotChecked("its samples are not stored by the tensor rule") from None


def _load(subject: Subject[Dataset]) -> Splits:
    try:
        given = subject.extension.function(subject.options, cache=subject.cache)
        splits = _written(given, subject) if isinstance(given, Iterator) else given
    except SamplesError:
        raise
    except DaecoreError as error:
        raise NotChecked(f"it cannot be loaded here: {error}") from None
    if not isinstance(splits, Splits):
        raise Violation("daecore.Splits", f"{type(splits).__name__} came", "Return Splits(train, validation, (test,)).")
    return splits


def _written(pieces: Iterator[object], subject: Subject[Dataset]) -> Splits:
    """What a dataset yields, as whoever uses it gets it."""
    folder = subject.cache / "yielded"
    write_pieces(map(require_piece, pieces), folder, classes=declared_value(subject.extension.classes, subject.options))
    splits = open_sets(folder)
    if splits is None:
        raise NotChecked(f"what it yields cannot be read from {folder}")
    return splits


def _storage(subject: Subject[Dataset]) -> str:
    try:
        splits = _load(subject)
    except SamplesError as error:  # the very sentence that a user of the dataset would be told
        raise Violation("samples that are stored by the tensor rule", "they were refused", str(error)) from None
    for name, samples in splits.sets:
        if not len(samples):
            raise Violation("samples in every set", f"there are no {name}", "Split so that each set has some.")
    return ", ".join(f"{len(samples):,} {name}" for name, samples in splits.sets)


def _shape(subject: Subject[Dataset]) -> str:
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
    for _, samples in splits.sets:
        if not subject.extension.takes(samples.shape):
            raise Violation(
                f"{subject.extension.shapes}, as declared", f"samples of shape {samples.shape} came", "Mend `shapes`."
            )
    return "x".join(map(str, expected))


def _values(subject: Subject[Dataset]) -> None:
    for name, samples in load(subject).sets:
        try:
            if len(samples):
                require_values(samples.source, None, name)
        except SamplesError as error:
            raise Violation("finite values, and images from 0 to 1", "they were refused", str(error)) from None


def _labels(subject: Subject[Dataset]) -> str:
    splits, declared = load(subject), declared_value(subject.extension.classes, subject.options)
    if splits.classes != declared:
        raise Violation(
            f"{declared} classes, as declared", f"Splits.classes is {splits.classes}", "Make the two agree."
        )
    if declared is None:
        raise NotChecked("it declares no classes")
    for name, samples in splits.sets:
        labels = samples.labels
        if labels is None:
            raise Violation("labels in every set", f"the {name} have none", "Give Samples(data, labels.long()).")
        found = labels.unique().tolist()
        if found != list(range(declared)):
            raise Violation(
                f"labels 0 to {declared - 1}, each of them in every set",
                f"the {name} have {found[:20]}",
                "Number the classes from 0, and split so that each set has all of them.",
            )
    return f"{declared} classes"


def _disjoint(subject: Subject[Dataset]) -> None:
    splits = load(subject)
    seen: dict[bytes, str] = {}
    for name, samples in splits.sets:
        rows = (row for batch in samples.batches(ROWS) for row in batch.clean.flatten(1).numpy())
        for position, row in enumerate(rows):  # as floats: one set may be uint8 and another float32
            content = hashlib.blake2b(row.tobytes(), digest_size=16).digest() + str(samples.shape).encode()
            if seen.setdefault(content, name) != name:
                raise Violation(
                    "sets without a sample in common: what is evaluated must not have been trained on",
                    f"number {position} of the {name} is among the {seen[content]} too",
                    "Split by content, or drop what is there twice.",
                )


def _repeatable(subject: Subject[Dataset]) -> str:
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
    Check("values are finite, those of images from 0 to 1", _values),
    Check("labels and classes are as declared", _labels),
    Check("no sample is in two sets", _disjoint),
    Check("loading again gives the same", _repeatable),
)
