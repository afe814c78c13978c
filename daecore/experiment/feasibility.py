"""Feasibility: whether an experiment can be run, found out before any training and, as far as can be, without data.

Networks are built on the ``meta`` device, so that asking costs no memory and no time. Knows no store and no plugin by
name.
"""

from collections.abc import Sequence

import torch

from daecore.corruption.corruptor import Corruptor
from daecore.data.batch_source import Shape
from daecore.data.label_draws import ALL
from daecore.errors import InputError
from daecore.experiment.experiment import Experiment
from daecore.model.autoencoder import Autoencoder, Shapes, build
from daecore.model.sampler import Sampler
from daecore.plugin.extension import declared_value
from daecore.plugin.kinds import Metric
from daecore.plugin.spec import ArchitectureSpec, DatasetSpec, ObjectiveSpec, Spec
from daecore.transfer.transfer import TransferOptions
from daecore.uncertainty.error_bars import require_pictures


def check(experiment: Experiment) -> Shapes:
    """Whether the parts fit together, found out without data: shapes, code size, the objective's demands.

    The architecture is built on the ``meta`` device, so this costs no memory and no time.

    Raises:
        InputError: They do not fit; the message says who and why.
    """
    dataset, corruptor = experiment.dataset.extension, experiment.corruptor
    try:
        clean = dataset.sample_shape(experiment.dataset.options) if dataset.sample_shape else ()
        corrupted = corruptor.output_shape(clean)
        with torch.device("meta"):
            model = build(experiment.architecture, Shapes(clean, corrupted))
            restored = tuple(model(torch.empty(2, *corrupted)).shape[1:])
    except (ValueError, RuntimeError) as error:
        raise InputError(f"This experiment cannot be run: {error}") from None
    if restored != clean:
        raise InputError(f"{experiment.architecture} restores shape {restored}, but the samples have shape {clean}.")
    check_objective(experiment.objective, experiment.architecture, corruptor, clean)
    _check_draws(experiment.objective, experiment.architecture, model)
    _check_metrics(experiment.metrics, clean)
    if experiment.error_bars is not None:
        require_pictures(clean)
    if len(clean) != 3 and _is_bounded(experiment.objective) and not _is_bounded(experiment.dataset):
        raise InputError(
            f"The objective {experiment.objective} compares values in [0, 1], and those of "
            f"{experiment.dataset.name} may lie anywhere. Use the objective mse."
        )
    classes = None if experiment.transfer is None else declared_value(dataset.classes, experiment.dataset.options)
    if experiment.transfer is not None and classes:
        _check_labels(experiment.transfer, classes)
        _check_augmentation(experiment.transfer, clean)
    return Shapes(clean, corrupted)


def check_samples(experiment: Experiment, test_shapes: Sequence[Shape], smallest_class: int) -> None:
    """Whether what was loaded can be restored and classified as wished, found out before any training.

    Args:
        experiment: What is to be run.
        test_shapes: The shapes of clean test samples.
        smallest_class: How many training samples the rarest class has; 0 without labels.

    Raises:
        InputError: A test image does not fit the network or the corruption, or a class has too few samples.
    """
    clean = experiment.dataset.extension.sample_shape
    trained = clean(experiment.dataset.options) if clean else test_shapes[0]
    with torch.device("meta"):
        model = build(experiment.architecture, Shapes(trained, experiment.corruptor.output_shape(trained))).eval()
    for shape in test_shapes:
        try:
            restored = tuple(model(torch.empty(2, *experiment.corruptor.output_shape(shape), device="meta")).shape[1:])
        except RuntimeError as error:
            restored, why = (), f" ({' '.join(str(error).split())[:120]})"
        else:
            why = ""
        if restored != shape:
            raise InputError(
                f"{experiment.architecture.name} was built for samples of shape {trained} and cannot restore the test "
                f"images of shape {shape}{why}. Choose unet, which takes any size, or test on crops."
            )
    classes = declared_value(experiment.dataset.extension.classes, experiment.dataset.options)
    most = smallest_class * (classes or 0)
    if experiment.transfer is not None and most:
        many = [count for count in experiment.transfer.labels if count > most]
        if many:
            raise InputError(
                f"transfer.labels: {many[0]} labels, as many of each class, are more than there are: the rarest class "
                f"has {smallest_class} training samples. Use at most {most}."
            )


def check_objective(
    objective: ObjectiveSpec, architecture: ArchitectureSpec, corruptor: Corruptor, shape: Shape
) -> None:
    """Whether an objective can teach a network to undo these corruptions.

    Args:
        objective: What is minimised.
        architecture: The network.
        corruptor: What damages the samples.
        shape: Of one clean sample.

    Raises:
        InputError: It cannot; the message says why.
    """
    extension = objective.extension
    if not extension.takes(shape):
        raise InputError(
            f"The objective {extension.name!r} is for {extension.shapes}, but the samples have shape {shape}. Choose "
            "another dataset, or an objective that takes such samples."
        )
    if _is_bounded(objective) and not _is_bounded(architecture):
        raise InputError(
            f"The objective {objective} compares values in [0, 1], but what {architecture} restores may lie anywhere. "
            "Use a network that ends in a sigmoid (stacked with output sigmoid, tiny), or the objective mse."
        )
    if extension.demands is None:
        return
    try:
        extension.demands(objective.options, corruptor)
    except ValueError as error:
        raise InputError(f"The objective {objective} cannot learn from this corruption: {error}") from None


def _check_draws(objective: ObjectiveSpec, architecture: ArchitectureSpec, model: Autoencoder) -> None:
    """Refuse an objective that teaches drawing with a network that cannot be told a state, a time, what is hidden."""
    if not objective.extension.draws or isinstance(model, Sampler):
        return
    name = architecture.name
    able = "sampler" in architecture.extension.options.model_fields
    raise InputError(
        f"The objective {objective.name} teaches a network to draw: it must be told a state, a time and what is hidden "
        f"(a daecore.Sampler), and {architecture} is not. "
        + (f"Set architecture.{name}.sampler=true." if able else "Use unet or dense with sampler: true.")
    )


def _check_metrics(metrics: Sequence[Spec[Metric]], shape: Shape) -> None:
    """Refuse metrics of other samples, and two of one name: a run keeps one value under it."""
    for metric in metrics:
        if not metric.extension.takes(shape):
            raise InputError(
                f"The metric {metric.name} compares {metric.extension.shapes}, but the samples have shape {shape}."
            )
    names = [metric.name for metric in metrics]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"The metric {twice} is named twice, and a run keeps one value of it. Take one out.")


def _is_bounded(spec: DatasetSpec | ArchitectureSpec | ObjectiveSpec) -> bool:
    """Whether an extension declares values in [0, 1], or that it takes no others."""
    return declared_value(spec.extension.bounded, spec.options)


def _check_labels(transfer: TransferOptions, classes: int) -> None:
    few = [count for count in transfer.labels if count != ALL and count < classes]
    if few:
        raise InputError(f"transfer.labels: {few[0]} labels cannot cover {classes} classes; use at least {classes}.")


def _check_augmentation(transfer: TransferOptions, clean: Shape) -> None:
    after = transfer.augmentation.output_shape(clean)
    if after != clean:
        raise InputError(
            f"transfer.augment: {transfer.augmentation} makes samples of shape {after} of those of shape {clean}, but "
            "a classifier is evaluated on the latter. Choose what keeps the shape."
        )
