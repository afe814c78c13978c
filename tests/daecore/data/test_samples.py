"""What Samples, Splits and `fit` refuse in a notebook, each in a sentence: types, shapes, ranges, labels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from daecore import InputError, Samples, Splits
from daecore.errors import NonFiniteError, SamplesError
from daecore.training.loop import fit
from daecore.training.loss import classification
from daecore.training.options import TrainingOptions

IMAGES, POINTS = torch.zeros(6, 1, 4, 4, dtype=torch.uint8), torch.rand(6, 3)
LABELS = torch.arange(6) % 2
RULE = (
    "Samples hold images (N, C, H, W) as uint8, uint16, or float32 in [0, 1], or points as float32 (N, D), but `data` "
    "is "
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (torch.rand(6, 1, 4, 4).double(), RULE + "float64 (6, 1, 4, 4). Of images in [0, 1] use data.float()"),
        (torch.rand(6, 1, 4, 4).half(), RULE + "float16 (6, 1, 4, 4). Of images in [0, 1] use data.float()"),
        (torch.rand(6, 4, 4).double(), RULE + "float64 (6, 4, 4). Give images a channel"),
        (IMAGES[:, 0], RULE + "uint8 (6, 4, 4). Of grey images (N, H, W) use data[:, None]."),
        (torch.zeros(6, 28, 28, 3, dtype=torch.uint8), "with the channels last. Use data.permute(0, 3, 1, 2)."),
        (IMAGES.long(), RULE + "int64 (6, 1, 4, 4)"),
        (POINTS.double(), RULE + "float64 (6, 3). Of points use data.float()."),
        (POINTS[:, 0], RULE + "float32 (6,)"),
        (torch.tensor(5.0), RULE + "float32 ()"),
        (IMAGES.numpy(), RULE + "of type numpy.ndarray. Give a torch tensor: torch.from_numpy."),
        ([[1.0, 2.0]], RULE + "of type list."),
    ],
)  # fmt: skip
def test_data_that_break_the_tensor_rule_are_refused_in_a_sentence(data: Any, message: str) -> None:
    with pytest.raises(SamplesError) as told:
        Samples(data)
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:5], "labels as int64 (6,), one for each sample, but `labels` is int64 (5,). Give class numbers"),
        (LABELS.float(), "but `labels` is float32 (6,)"),
        (LABELS.int(), "but `labels` is int32 (6,)"),
        (LABELS[:, None], "but `labels` is int64 (6, 1)"),
        (nn.functional.one_hot(LABELS), "but `labels` is int64 (6, 2)"),
        ([0, 1, 0, 1, 0, 1], "but `labels` is of type list"),
        (LABELS.to("meta"), "`data` lies on cpu and `labels` on meta"),
    ],
)
def test_labels_that_do_not_fit_are_refused_in_a_sentence(labels: Any, message: str) -> None:
    with pytest.raises(SamplesError) as told:
        Samples(IMAGES, labels)
    assert message in str(told.value)


def test_what_keeps_the_rule_is_taken_as_it_is(tmp_path: Path) -> None:
    """Also none at all, wide pictures, codes of many channels, and a memory map, of which no value is read."""
    for data in (
        IMAGES,
        IMAGES / 255,
        POINTS,
        IMAGES[:0],
        torch.zeros(2, 3, 4, 9, dtype=torch.uint8),
        torch.zeros(2, 16, 4, 4),
    ):
        assert Samples(data).data is data
    shape = (2_000_000, 1, 100, 100)  # 20 GB, of which nothing is on the disk
    mapped = np.memmap(tmp_path / "images", np.uint8, "w+", shape=shape)
    assert Samples(torch.from_numpy(mapped)).shape == (1, 100, 100)


GOOD = Samples(IMAGES, LABELS)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"test": GOOD}, "the test set as a tuple of groups, one for each image shape"),
        ({"test": ()}, "Give (samples,)."),
        ({"train": IMAGES}, "Splits hold daecore.Samples, but the training samples are Tensor."),
        ({"test": (GOOD, IMAGES)}, "the test samples are Tensor"),
    ],
)
def test_splits_of_other_things_are_refused_in_a_sentence(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(SamplesError) as told:
        Splits(**{"train": GOOD, "validation": GOOD, "test": (GOOD,), **parts})
    assert message in str(told.value)


def points(value: float) -> Samples:
    """Points of which two are not finite."""
    data = POINTS.clone()
    data[2, 1] = data[4, 0] = value
    return Samples(data, LABELS)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"validation": GOOD.select(LABELS[:0])}, "There are no validation samples: the set is empty."),
        ({"train": points(torch.nan)}, "but 2 of their values are NaN or infinite, the first in sample 2"),
        ({"test": (GOOD, points(-torch.inf))}, "The test samples must be finite"),
        ({"train": Samples(IMAGES + 2.5, LABELS)}, "must have values from 0 to 1, but have values from 2.5 to 2.5."),
        ({"train": Samples(IMAGES / 0, LABELS)}, "The training samples must be finite"),
        ({"train": Samples(IMAGES, LABELS + 1)}, "must have labels from 0 to 1, but have labels from 1 to 2."),
        ({"train": Samples(IMAGES, LABELS - 100)}, "but have labels from -100 to -99."),
        ({"validation": Samples(IMAGES)}, "Splits with 2 classes need labels, and the validation samples have none."),
    ],
)  # fmt: skip
def test_values_of_a_loaded_dataset_are_looked_at(parts: dict[str, Any], message: str) -> None:
    """Once, where a dataset comes in; each set is named."""
    splits = Splits(**{"train": GOOD, "validation": GOOD, "test": (GOOD,), "classes": 2, **parts})
    with pytest.raises(SamplesError) as told:
        splits.require_values()
    assert message in str(told.value)
    assert Splits(GOOD, GOOD, (GOOD,), 2).require_values().classes == 2


def dense() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def frozen() -> nn.Module:
    return dense().requires_grad_(False)


KNOWN = Samples(POINTS, LABELS)
OPTIONS = TrainingOptions(epochs=1, batch=3, precision="float32")


@pytest.mark.parametrize(
    ("make", "samples", "more", "message"),
    [
        (dense, points(torch.nan), {}, "The training samples must be finite"),
        (dense, KNOWN, {"validation": points(torch.inf)}, "The validation samples must be finite"),
        (dense, KNOWN.select(LABELS[:0]), {}, "There are no training samples"),
        (dense, KNOWN, {"validation": KNOWN.select(LABELS[:0])}, "There are no validation samples"),
        (dense, Samples(POINTS, LABELS - 1), {}, "must have labels from 0, but have labels from -1 to 0."),
        (dense, POINTS, {}, "fit takes daecore.Samples as training samples, but got Tensor: Samples(data, labels)."),
        (dense, KNOWN, {"validation": POINTS}, "fit takes daecore.Samples as validation samples, but got Tensor"),
        (dense, KNOWN, {"validation": KNOWN.to("meta")}, "but the validation samples lie on meta"),
        (dense, Samples(POINTS), {}, "A classifier learns from labels, and these samples have none"),
        (frozen, KNOWN, {}, "fit has nothing to train: no parameter of the network requires a gradient."),
        (lambda: None, KNOWN, {}, "fit trains a torch.nn.Module, but got NoneType."),
    ],
)  # fmt: skip
def test_fit_refuses_what_cannot_be_learnt_from_in_a_sentence(
    make: Callable[[], Any], samples: Any, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as told:
        list(fit(make(), classification, samples, OPTIONS, seed=0, **more))
    assert message in str(told.value)
    assert "\n" not in str(told.value)


def test_patience_without_validation_is_refused() -> None:
    """It had given back the first weights, untrained: nothing was ever better."""
    options = OPTIONS.model_copy(update={"patience": 2})
    with pytest.raises(InputError, match="was given no samples for validation"):
        list(fit(dense(), classification, KNOWN, options, seed=0))


def test_weights_that_break_in_the_last_step_end_the_training() -> None:
    """The loss of a step is taken before its update: no network of NaN is given back as trained."""

    def breaking(model: nn.Module, batch: Any, generator: torch.Generator) -> torch.Tensor:
        loss = model(batch.clean).square().mean()
        return loss + torch.sqrt(loss * 0)  # finite, with a gradient of NaN

    with pytest.raises(NonFiniteError, match="A weight became nan in the last step of epoch 1"):
        list(fit(dense(), breaking, KNOWN, OPTIONS.model_copy(update={"batch": 6}), seed=0))
