"""Classifying: how classifiers are made of encoders, on what, and what one is before and after it is evaluated.

Options are chosen on the validation set; the test set is touched by `Fitted.test_error` alone, after everything is
chosen. Knows labelled samples and options. Does not train.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from torch import nn

from daecore.corruption.corruptor import Corruptor
from daecore.data.batch_source import Shape
from daecore.data.label_draws import draw_labels
from daecore.data.samples import Samples, Splits
from daecore.device import Precision
from daecore.plugin.options import Options
from daecore.plugin.spec import CorruptionList
from daecore.transfer.finetuning import ValidationCheck

Method = Literal["finetune", "probe", "knn"]
"""How an encoder becomes a classifier: all weights trained on, a linear layer alone, or a vote of the nearest codes."""
Rate = Annotated[float, Field(gt=0, le=10)]
Neighbours = Annotated[int, Field(ge=1, le=10_000)]


class ClassifierOptions(Options):
    """How a classifier is trained from an encoder."""

    steps: int = Field(default=300, ge=1, le=1_000_000, description="steps of training, at least; whole epochs are run")
    batch: int = Field(default=64, ge=1, le=65_536, description="labelled images a step")
    learning_rates: tuple[Rate, ...] = Field(
        default=(3e-3,), min_length=1, max_length=16,
        description="highest rates to choose from by validation, where the encoder is trained too",
    )  # fmt: skip
    probe_learning_rates: tuple[Rate, ...] = Field(
        default=(1e-2,), min_length=1, max_length=16, description="the same of a linear layer alone"
    )
    weight_decay: float = Field(default=1e-4, ge=0, le=10, description="AdamW's decoupled weight decay")
    layer_decay: float = Field(default=1, gt=0, le=1, description="the rate of each layer beside that of the next one")
    augment: CorruptionList = Field(default=(), description="what changes labelled images each time one is trained on")
    neighbours: tuple[Neighbours, ...] = Field(
        default=(1, 3, 5, 9), min_length=1, max_length=16, description="numbers of nearest codes to choose from"
    )
    validation_checks: int = Field(
        default=0, ge=0, le=1000, description="how often validation is asked which weights to keep; 0: the last stay"
    )
    validation: int = Field(default=2000, ge=1, le=1_000_000, description="validation images that choose, at most")

    @model_validator(mode="before")
    @classmethod
    def _one_rate_is_a_list_of_one(cls, value: object) -> object:
        """Experiments written when there was a single rate are still read: ``learning_rate: 0.003``."""
        if not isinstance(value, dict):
            return value
        single = {name: value[name] for name in ("learning_rate", "probe_learning_rate") if name in value}
        others = {name: it for name, it in value.items() if name not in single}
        return {**{f"{name}s": (rate,) for name, rate in single.items()}, **others}

    @property
    def augmentation(self) -> Corruptor:
        """What changes labelled images in training."""
        return Corruptor(self.augment)

    def rates(self, method: Method) -> tuple[float, ...]:
        """The rates to choose from."""
        return {"finetune": self.learning_rates, "probe": self.probe_learning_rates, "knn": (0.0,)}[method]


@dataclass(frozen=True)
class Task:
    """What classifiers are trained on, chosen by and evaluated on.

    Attributes:
        splits: The dataset, with labels.
        options: How they are trained.
        input_shape: What the encoders were built for.
        seed: Names the label draws and the trainings' streams.
        precision: Of trainings in which the encoder is trained too.
    """

    splits: Splits
    options: ClassifierOptions
    input_shape: Shape
    seed: int
    precision: Precision

    @property
    def classes(self) -> int:
        """The number of classes; 0 without labels."""
        return self.splits.classes or 0

    @cached_property
    def validation(self) -> Samples:
        """The part of the validation set that chooses: always the same, evenly spread."""
        whole = self.splits.validation
        step = -(-len(whole) // self.options.validation)
        return whole.select(torch.arange(0, len(whole), step, device=whole.device))

    def draw_labelled(self, count: int, draw: int) -> Samples:
        """A draw of labelled training samples."""
        return self.splits.train.select(draw_labels(self.splits.train, self.classes, count, self.seed, draw))


@dataclass(frozen=True)
class Fitted:
    """A classifier with everything about it chosen.

    Attributes:
        check: What validation said of it.
        choice: Its learning rate; of a vote, how many codes take part.
        model: The network, with its encoder or for codes; None for a vote.
        test_error: Its test error in percent, computed when it is called.
    """

    check: ValidationCheck
    choice: float
    model: nn.Module | None
    test_error: Callable[[], float] = field(repr=False)

    @property
    def validation_error(self) -> float:
        """Its validation error in percent; 100 where nobody looked."""
        return 100.0 if self.check.error_percent is None else self.check.error_percent
