"""A small laboratory: what a study is given, kept in memory; a training takes an epoch, a classifier twenty steps.

Knows recipes and the library alone: no store, no server. Its numbers say nothing but that a study can be run.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_pairs
from daecore.data.batch_source import Shape
from daecore.data.samples import Splits
from daecore.errors import InputError, choices, quote
from daecore.evaluation.baselines import measure
from daecore.evaluation.denoising import DenoisingReport, Evaluation, evaluate
from daecore.evaluation.drawing import evaluate_sampler
from daecore.evaluation.sampling import SamplingReport
from daecore.experiment.experiment import Experiment, override, parse, read
from daecore.experiment.feasibility import check
from daecore.experiment.loading import load_splits
from daecore.experiment.stack_layers import check_stack, layer, widths
from daecore.model.autoencoder import Autoencoder, Shapes, initialise
from daecore.model.sampler import Sampler
from daecore.model.sampling import SamplingOptions
from daecore.model.stack import code_shape, encode, unroll
from daecore.plugin.spec import digest
from daecore.study import laboratory as protocol
from daecore.training.loop import fit
from daecore.transfer.encoder import PretrainedEncoder
from daecore.transfer.finetuning import weights_digest
from daecore.transfer.scores import Classified
from daecore.transfer.svm import SvmOptions, SvmReport, choose_svm
from daecore.transfer.task import ClassifierOptions, Method, Task

CHANGES = ("training.epochs=1", "training.device=cpu", "training.precision=float32", "training.threads=1")
STEPS = 20  # of a classifier
STEPS_OF_A_SAMPLE = 4
SIZES = {"train": 1_000, "validation": 200, "test": 200}  # at most, of datasets that can be cut short
Made = TypeVar("Made")


@dataclass(frozen=True)
class Trained:
    """A network in memory; see `daecore.study.Trained`."""

    network: Autoencoder
    input_shape: Shape
    seconds: float
    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True)
class Stacked:
    """A stack in memory; see `daecore.study.Stacked`."""

    layers: tuple[Trained, ...]
    whole: Trained


@dataclass(frozen=True)
class Evaluated:
    """An evaluation in memory; see `daecore.study.Evaluated`."""

    trained: protocol.Trained
    evaluation: Evaluation

    @property
    def report(self) -> DenoisingReport:
        """The summary."""
        return self.evaluation.report

    @property
    def digest(self) -> str:
        """Names the pairs."""
        return self.evaluation.digest

    @property
    def scores(self) -> Mapping[str, NDArray[Any]]:
        """Per test sample."""
        return self.evaluation.scores

    @property
    def pictures(self) -> Mapping[str, bytes]:
        """None: a small laboratory draws nothing itself."""
        return {}


@dataclass(frozen=True)
class Drawn:
    """Samples in memory; see `daecore.study.Drawn`."""

    trained: protocol.Trained
    report: SamplingReport

    @property
    def pictures(self) -> Mapping[str, bytes]:
        """None: a small laboratory draws nothing itself."""
        return {}


class SmallLaboratory:
    """What one study works with; it keeps `daecore.study.Laboratory`'s protocol.

    Args:
        recipes: The recipes it knows, by name.
        cache: Where datasets may keep their files.
    """

    quick = True

    def __init__(self, recipes: Mapping[str, Path], cache: Path) -> None:
        self.used: dict[str, Experiment] = {}
        self._recipes, self._cache = recipes, cache
        self._names: dict[str, str] = {}
        self._made: dict[str, Any] = {}

    def experiment(self, recipe: str, *changes: str, quick: Sequence[str] = ()) -> Experiment:
        """A recipe as an experiment of one epoch, of few images where a dataset can be cut short.

        Raises:
            InputError: The series brings no such recipe.
        """
        if recipe not in self._recipes:
            raise InputError(f"The series brings no recipe {quote(recipe)}. {choices(recipe, self._recipes)}")
        written = read(self._recipes[recipe])
        wanted = [*changes, *quick, *CHANGES]
        experiment = parse(override(written, [*wanted, *_fewer(parse(override(written, wanted)))]))
        self._names[digest(experiment)] = recipe
        return experiment

    def splits(self, experiment: Experiment) -> Splits:
        """The experiment's data."""
        data = experiment.dataset
        loaded: Splits = self._once(f"data {data.digest}", lambda: load_splits(data, self._cache))
        return loaded

    def train(self, experiment: Experiment) -> Trained:
        """The experiment's network, after one epoch."""
        self._use(experiment)
        check(experiment)
        return self._once(f"network {digest(experiment)}", lambda: self._train(experiment, ()))

    def train_all(self, experiments: Sequence[Experiment]) -> Iterator[Trained]:
        """Their networks, one after the other."""
        return map(self.train, experiments)

    def stack(self, experiment: Experiment) -> Stacked:
        """The experiment's network, layer by layer, an epoch each."""
        self._use(experiment)
        check_stack(experiment)
        return self._once(f"stack {digest(experiment)}", lambda: self._stack(experiment))

    def evaluate(self, experiment: Experiment, model: protocol.Trained | None = None) -> Evaluated:
        """The network's restoration of the test pairs, beside the baselines."""
        trained, splits = model or self.train(experiment), self.splits(experiment)
        corruptor = Corruptor(experiment.corruptions)
        chain = [item.dump() for item in experiment.corruptions]
        baselines = self._once(f"{experiment.dataset.digest} {chain}", lambda: measure(splits, corruptor))
        pairs = [draw_pairs(group, corruptor) for group in splits.test]
        return Evaluated(trained, evaluate(trained.network, pairs, baselines))

    def draw(self, experiment: Experiment) -> Drawn:
        """Samples of some test pairs, and what they are worth."""
        trained = self.train(experiment)
        if not isinstance(trained.network, Sampler):
            raise InputError(f"{experiment.architecture} cannot draw. Give a recipe whose network can.")
        options = SamplingOptions(steps=STEPS_OF_A_SAMPLE)
        drawn = evaluate_sampler(trained.network, self.splits(experiment), experiment.corruptor, options)
        return Drawn(trained, drawn.report)

    def evaluate_svm(self, experiment: Experiment) -> SvmReport:
        """What a support vector machine makes of the data; of a single C and gamma."""
        one = SvmOptions(penalties=(10.0,), gammas=(0.01,))
        key = f"svm {experiment.dataset.digest}"
        return self._once(key, lambda: choose_svm(self.splits(experiment), one))

    def classify(
        self, experiment: Experiment, model: protocol.Trained | None, method: Method, options: ClassifierOptions,
        *, labels: int, draw: int,
    ) -> Classified:  # fmt: skip
        """One classifier after a few steps, and its test error."""
        began = time.perf_counter()
        shapes = self._shapes(experiment)
        task = Task(
            self.splits(experiment), options.model_copy(update={"steps": min(options.steps, STEPS)}),
            model.input_shape if model else shapes.corrupted, experiment.seed, "float32",
        )  # fmt: skip

        def encoder() -> Any:  # anew for each call: fine-tuning changes it
            if model is not None:
                return deepcopy(model.network.encoder)
            return initialise(experiment.architecture, shapes, experiment.seed, "classifier", draw).encoder

        fitted = PretrainedEncoder(encoder, task).fit(method, labels, draw, options.rates(method), validation_checks=1)
        votes = fitted.model is None
        return Classified(
            error_percent=fitted.test_error(),
            validation_error_percent=fitted.validation_error,
            learning_rate=None if votes else fitted.choice,
            neighbours=round(fitted.choice) if votes else None,
            epoch=fitted.check.epoch,
            epochs=fitted.check.epochs,
            seconds=time.perf_counter() - began,
            weights_sha256=None if fitted.model is None else weights_digest(fitted.model),
        )

    def choose(
        self, experiment: Experiment, model: protocol.Trained | None, method: Method, options: ClassifierOptions,
        *, labels: int,
    ) -> ClassifierOptions:  # fmt: skip
        """The options with their first learning rate."""
        name = "learning_rates" if method == "finetune" else "probe_learning_rates"
        return options.model_copy(update={name: options.rates(method)[:1]})

    def _train(self, experiment: Experiment, below: tuple[Trained, ...]) -> Trained:
        splits, corruptor = self.splits(experiment), Corruptor(experiment.corruptions)
        encoders = [each.network.encoder for each in below]
        shapes = self._shapes(experiment, encoders)
        network = initialise(experiment.architecture, shapes, experiment.seed)
        objective = experiment.objective.extension.function(experiment.objective.options, corruptor)
        samples = [encode(part, encoders) for part in (splits.train, splits.validation)]
        began = time.perf_counter()
        for _ in fit(network, objective, samples[0], experiment.training, seed=experiment.seed, validation=samples[1]):
            pass
        return Trained(network.eval(), shapes.corrupted, time.perf_counter() - began)

    def _stack(self, experiment: Experiment) -> Stacked:
        layers: tuple[Trained, ...] = ()
        for number in range(1, len(widths(experiment)) + 1):
            layers += (self._train(layer(experiment, number), layers),)
        shapes = self._shapes(experiment)
        whole = initialise(experiment.architecture, shapes, 0).eval()
        unroll(whole, [each.network for each in layers])
        return Stacked(layers, Trained(whole, shapes.corrupted, sum(each.seconds for each in layers)))

    def _shapes(self, experiment: Experiment, encoders: Sequence[Any] = ()) -> Shapes:
        clean = code_shape(self.splits(experiment).train.shape, encoders)
        return Shapes(clean, Corruptor(experiment.corruptions).output_shape(clean))

    def _use(self, experiment: Experiment) -> None:
        """Note what was trained, by its recipe."""
        recipe = self._names.get(digest(experiment))
        if recipe is not None:
            self.used[f"run {recipe}"] = experiment

    def _once(self, key: str, make: Callable[[], Made]) -> Made:
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made


def _fewer(experiment: Experiment) -> list[str]:
    """The changes that leave fewer samples, where the dataset has options for that."""
    data = experiment.dataset
    sizes = {name: getattr(data.options, name, None) for name in SIZES}
    return [
        f"dataset.{data.name}.{name}={SIZES[name]}"
        for name, size in sizes.items()
        if isinstance(size, int) and not 0 < size <= SIZES[name]
    ]
