"""PretrainedEncoder: the encoder that classifiers start from, and the classifiers made of it.

Knows encoders, labels and the loop. Does not know which initialisations are compared.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import nn

from daecore import rng
from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import Samples
from daecore.device import Precision
from daecore.training.loss import augmented_classification
from daecore.training.options import TrainingOptions
from daecore.transfer.classifier import SIZE, Classifier, evaluate
from daecore.transfer.finetuning import ValidationCheck, linear_layer, repeat, train_classifier
from daecore.transfer.nearest import nearest_errors
from daecore.transfer.task import Fitted, Method, Task

MOST = 60_000  # changed copies of labelled images whose codes a linear layer is trained on


class PretrainedEncoder:
    """An encoder to make classifiers of: made anew for each fine-tuning, measured once where it stays frozen.

    Args:
        make: Gives the same encoder at every call, anew, on the device of the task's samples.
        task: What its classifiers are trained on.
    """

    def __init__(self, make: Callable[[], nn.Module], task: Task) -> None:
        self.make, self.task = make, task
        self._last: tuple[tuple[int, int], Samples] | None = None

    def fit(self, method: Method, count: int, draw: int, rates: Sequence[float], *, validation_checks: int) -> Fitted:
        """A classifier of this encoder; of several rates the one with the lowest validation error.

        Args:
            method: How it is made.
            count: How many labels.
            draw: Which draw of them.
            rates: Highest learning rates; several need at least one check.
            validation_checks: How often validation is looked at in a training.
        """
        ways = {"finetune": self._finetune, "probe": self._probe, "knn": self._vote}
        tried = [ways[method](count, draw, rate, validation_checks) for rate in rates]
        return min(tried, key=lambda each: each.validation_error)

    def _finetune(self, count: int, draw: int, rate: float, validation_checks: int) -> Fitted:
        task, model = self.task, self._classifier(self._seed(draw))
        check = self._train(
            model, task.draw_labelled(count, draw), task.validation, draw, rate, validation_checks, task.precision
        )
        return Fitted(check, rate, model, lambda: evaluate(model, task.splits.test, task.precision))

    def _probe(self, count: int, draw: int, rate: float, validation_checks: int) -> Fitted:
        codes, task = self._codes(count, draw), self.task
        layer = linear_layer(codes.data.shape[1], task.classes, self._seed(draw)).to(codes.device)
        check = self._train(layer, codes, self._validation, draw, rate, validation_checks, "float32")
        return Fitted(check, rate, layer, lambda: evaluate(layer, self._test, "float32"))

    def _vote(self, count: int, draw: int, rate: float, validation_checks: int) -> Fitted:
        """Codes as they are vote: an augmentation would only add copies that lie near."""
        known, task = self._encode(self.task.draw_labelled(count, draw)), self.task
        errors = nearest_errors(known, self._validation, task.classes, task.options.neighbours)
        least, k = min(zip(errors, task.options.neighbours, strict=True))

        def test_error() -> float:
            wrong = [nearest_errors(known, group, task.classes, (k,))[0] * len(group) for group in self._test]
            return sum(wrong) / sum(map(len, self._test))

        return Fitted(ValidationCheck(0, 0, least), float(k), None, test_error)

    def _train(
        self, model: nn.Module, samples: Samples, held_out: Samples, draw: int, rate: float, validation_checks: int,
        precision: Precision,
    ) -> ValidationCheck:  # fmt: skip
        options, whole = self.task.options, isinstance(model, Classifier)
        training = TrainingOptions(
            batch=options.batch, learning_rate=rate, weight_decay=options.weight_decay,
            layer_decay=options.layer_decay if whole else 1, precision=precision,
        )  # fmt: skip
        return train_classifier(
            model, samples, training, steps=options.steps, seed=self._seed(draw), validation_checks=validation_checks,
            objective=augmented_classification(options.augmentation if whole else Corruptor()),
            validation=held_out if validation_checks else None,
        )  # fmt: skip

    def _seed(self, draw: int) -> int:
        """Of the linear layer's first weights and of the training: the same for every encoder."""
        return rng.stream(self.task.seed, "classifier", draw).initial_seed()

    def _classifier(self, seed: int) -> Classifier:
        """The encoder with a linear layer on it, its codes standardised as they are now."""
        model = self._build(seed)
        model.centre, model.scale = self._frozen.centre.clone(), self._frozen.scale.clone()
        return model

    @cached_property
    def _frozen(self) -> Classifier:
        """The encoder that stays as it is, its codes measured once on the training images, without labels."""
        return self._build(0).standardise(self.task.splits.train)

    def _build(self, seed: int) -> Classifier:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = Classifier(self.make(), self.task.input_shape, self.task.classes)
        return model.to(self.task.splits.train.device)

    @cached_property
    def _validation(self) -> Samples:
        return self._encode(self.task.validation)

    @cached_property
    def _test(self) -> tuple[Samples, ...]:
        return tuple(map(self._encode, self.task.splits.test))

    def _codes(self, count: int, draw: int) -> Samples:
        """What a linear layer is trained on: codes of a draw, or of many changed copies of it."""
        if self._last is None or self._last[0] != (count, draw):
            labelled, options = self.task.draw_labelled(count, draw), self.task.options
            if options.augment:
                labelled = repeat(labelled, min(options.steps * options.batch, MOST))
            self._last = (count, draw), self._encode(labelled, options.augmentation, self._seed(draw))
        return self._last[1]

    @torch.no_grad()
    def _encode(self, samples: Samples, augmentation: Corruptor | None = None, seed: int = 0) -> Samples:
        """The frozen encoder's standardised codes, float32 ``(N, F)``."""
        frozen, change = self._frozen.eval(), augmentation or Corruptor()
        generator = rng.stream(seed, "augmentation", device=samples.device)
        parts = [frozen.features(change(batch.clean, generator).x) for batch in samples.batches(SIZE)]
        return Samples(torch.cat(parts), samples.labels)
