"""Laboratory: what a study works with, on the pipeline's own stages; it keeps the protocol of `daecore.study`.

Every training is the cached stage of `dae run`: found by its key, resumed, recorded in MLflow.
"""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from daecore.data.label_draws import CHOICE
from daecore.data.samples import Splits
from daecore.errors import InputError
from daecore.experiment.experiment import Experiment, parse
from daecore.experiment.feasibility import check, check_samples
from daecore.experiment.stack_layers import check_stack, is_stack
from daecore.plugin.spec import digest
from daecore.study import laboratory as given
from daecore.study.quick import cut
from daecore.transfer.scores import Classified
from daecore.transfer.svm import SvmReport
from daecore.transfer.task import ClassifierOptions, Method

from ..stacking.layering import pretrain
from ..stages.agenda import Agenda, Planned
from ..stages.baselines import baselines_request, measure_baselines
from ..stages.caller import Caller, intact
from ..stages.classifier import ClassifierAsk, classifier_request, train_classifier
from ..stages.dataset import dataset_request, load_dataset, splits_of
from ..stages.evaluation import evaluate_denoising, evaluation_request
from ..stages.sampling import evaluate_samples, sampling_request
from ..stages.svm import evaluate_svm, svm_request
from ..stages.training import TrainingRequest, train_autoencoder, training_request
from ..store import recipes, tracking
from ..store.dataset_ref import DatasetRef
from ..store.store import Store
from ..workers.chosen import AnyWorkers, choose_workers
from . import side_by_side
from .trained import Drawn, Evaluated, Stacked, Trained


class Laboratory:
    """What one study works with.

    Args:
        store: Where everything lies.
        run_id: The study's run, which new trainings are children of.
        quick: Whether budgets are small.
        fresh: Whether cached results are ignored.
        threads: How many every training has; 0: what its recipe says, or left open.
        since: Trainings that began later are not: another study of the same series made them anew; milliseconds.
    """

    def __init__(
        self, store: Store, run_id: str, *,
        quick: bool = False, fresh: bool = False, threads: int = 0, since: int = 0,
    ) -> None:  # fmt: skip
        self.store, self.run_id, self.quick = store, run_id, quick
        self._changes = [f"training.threads={threads}"] if threads else []
        self._since = since
        self.call = Caller(fresh, run_id, self._is_new)
        self.used: dict[str, Experiment] = {}  # what was trained, by the arguments of `dae` that do it again
        self._words: dict[str, str] = {}  # those arguments, by the experiment's digest
        self._datasets: dict[str, DatasetRef] = {}
        self._around = ExitStack()
        self._workers: AnyWorkers[TrainingRequest] | None = None

    def __enter__(self) -> "Laboratory":
        return self

    def __exit__(self, *error: Any) -> None:
        """End the processes that trained side by side."""
        self._around.__exit__(*error)

    def experiment(self, recipe: str, *changes: str, quick: Sequence[str] = ()) -> Experiment:
        """A recipe as an experiment.

        Args:
            recipe: Its name.
            changes: As ``--set`` takes them: ``training.epochs=3``.
            quick: More changes where budgets are small; datasets that can be cut short are then, too.
        """
        wanted = [*changes, *(quick if self.quick else ()), *self._changes]
        wanted += cut(read_recipe(recipe, wanted)) if self.quick else []
        experiment = read_recipe(recipe, wanted)
        command = "stack" if is_stack(experiment) else "run"
        words = shlex.join([command, recipe, *(word for change in wanted for word in ("--set", change))])
        self._words.setdefault(digest(experiment), words)
        return experiment

    def splits(self, experiment: Experiment) -> Splits:
        """The experiment's data, on the CPU."""
        return splits_of(self._dataset(experiment))

    def train_all(self, experiments: Sequence[Experiment]) -> Iterator[Trained]:
        """Their networks, in this order; several at once where they ask for fewer threads than there are cores.

        Each is given as soon as it and all before it are there: while the caller looks at it, workers train on.
        """
        asked = [self._training(experiment) for experiment in experiments]
        self.call.agenda = _agenda(asked, alone=True)
        new = side_by_side.to_train(asked, self.store, self.call.anew)
        if side_by_side.at_once(new) > 1 and not self.quick:  # a worker takes longer to begin than small budgets
            if self._workers is None:
                chosen: AnyWorkers[TrainingRequest] = choose_workers(side_by_side.most() - 1)
                self._around.enter_context(chosen)
                self._workers = chosen
            self.call.agenda = _agenda(asked, alone=False)
            here: dict[str, Trained] = {}  # what was trained by this process
            with side_by_side.help_training(self._workers, new, self.run_id, self.call.anew) as shared:
                while asked:
                    if not shared.lacks(asked[0]):
                        first = asked.pop(0)
                        yield here.get(digest(first.key)) or self._load_trained(first)
                    elif (ours := shared.take()) is not None:
                        here[digest(ours.key)] = self._load_trained(ours)
                        shared.finish(ours)
                    elif not shared.wait(asked[0]):
                        break
        yield from map(self._load_trained, asked)

    def train(self, experiment: Experiment) -> Trained:
        """The experiment's network: trained now, gone on with, or taken from an earlier run."""
        request = self._training(experiment)
        self.call.agenda = _agenda([request], alone=True)
        return self._load_trained(request)

    def stack(self, experiment: Experiment) -> Stacked:
        """The experiment's network, trained layer by layer as `dae stack` does, each layer a cached stage."""
        self._use(experiment)
        check_stack(experiment)
        dataset = self._dataset(experiment)
        check_samples(experiment, dataset.test_shapes, dataset.smallest_class)
        found = pretrain(self.call, experiment, dataset, self.run_id)
        return Stacked(tuple(Trained(ref, self.store) for ref in found.layers), Trained(found.whole, self.store))

    def evaluate(self, experiment: Experiment, model: given.Trained | None = None) -> Evaluated:
        """Restore the experiment's test pairs and score every image, beside the baselines.

        Args:
            experiment: Its test pairs are restored, by its own network, which is trained if need be.
            model: Another network, evaluated instead of its own.
        """
        trained, dataset = _own(model) or self.train(experiment), self._dataset(experiment)
        baselines = self.call(
            measure_baselines, baselines_request(experiment, dataset), intact=intact, name="baselines"
        )
        request = evaluation_request(experiment, dataset, trained.ref, baselines)
        return Evaluated(trained, self.call(evaluate_denoising, request, intact=intact, name="evaluate"), self.store)

    def draw(self, experiment: Experiment) -> Drawn:
        """Draw samples for some of the experiment's test pairs with its network, and measure them."""
        trained, dataset = self.train(experiment), self._dataset(experiment)
        request = sampling_request(experiment, dataset, trained.ref)
        return Drawn(trained, self.call(evaluate_samples, request, intact=intact, name="draw"))

    def evaluate_svm(self, experiment: Experiment) -> SvmReport:
        """What a support vector machine makes of the experiment's data."""
        request = svm_request(experiment, self._dataset(experiment))
        found: SvmReport = self.call(evaluate_svm, request, name="svm")
        return found

    def classify(
        self, experiment: Experiment, model: given.Trained | None, method: Method, options: ClassifierOptions,
        *, labels: int, draw: int,
    ) -> Classified:  # fmt: skip
        """One classifier, trained now or taken from an earlier run, and its test error.

        Args:
            experiment: Its data and seed; its network's first weights, another for each draw, where there is no model.
            model: The network whose encoder is taken.
            method: How the encoder becomes a classifier.
            options: How that is trained; of several rates validation chooses one.
            labels: How many there are; 0: the whole training set.
            draw: Which draw of labels.
        """
        ask = ClassifierAsk(method=method, options=options, labels=labels, draw=draw)
        dataset, encoder = self._dataset(experiment), _own(model)
        request = classifier_request(experiment, dataset, encoder.ref if encoder else None, ask)
        found: Classified = self.call(train_classifier, request, name=f"{method} {labels or 'all'} #{draw}")
        return found

    def choose(
        self, experiment: Experiment, model: given.Trained | None, method: Method, options: ClassifierOptions,
        *, labels: int,
    ) -> ClassifierOptions:  # fmt: skip
        """The options with the one learning rate that validation prefers, on a draw of labels that is not scored."""
        if len(options.rates(method)) == 1:
            return options
        rate = self.classify(experiment, model, method, options, labels=labels, draw=CHOICE).learning_rate
        name = "learning_rates" if method == "finetune" else "probe_learning_rates"
        return options.model_copy(update={name: (rate,)})

    def _training(self, experiment: Experiment) -> TrainingRequest:
        """What the stage is asked, once it is known that the parts fit together."""
        self._use(experiment)
        check(experiment)
        dataset = self._dataset(experiment)
        check_samples(experiment, dataset.test_shapes, dataset.smallest_class)
        return training_request(experiment, dataset)

    def _load_trained(self, request: TrainingRequest) -> Trained:
        values = (request, self.run_id, self.call.anew(request))
        found = self.call(train_autoencoder, *values, intact=intact, name=f"train {request.title}")
        return Trained(found, self.store)

    def _use(self, experiment: Experiment) -> None:
        """Note how the training is done again, where it came from a recipe."""
        words = self._words.get(digest(experiment))
        if words is not None:
            self.used[words] = experiment

    def _is_new(self, key: str) -> bool:
        """Whether a network was trained in this series already; then it counts as made anew."""
        run = tracking.training_run(key)
        return run is not None and run.info.start_time >= self._since

    def _dataset(self, experiment: Experiment) -> DatasetRef:
        """The experiment's data, loaded once: a folder's fingerprint reads all of its files."""
        key = experiment.dataset.digest
        if key not in self._datasets:
            asked = dataset_request(experiment)
            self._datasets[key] = self.call(load_dataset, asked, name="data")
        return self._datasets[key]


def _own(model: given.Trained | None) -> Trained | None:
    """A network that this kind of laboratory has trained.

    Raises:
        InputError: It is another's, which lies in no store.
    """
    if model is None or isinstance(model, Trained):
        return model
    raise InputError(f"A study gave the laboratory a {type(model).__name__}; it takes what it has trained itself.")


def read_recipe(recipe: str, changes: Sequence[str] = ()) -> Experiment:
    """A recipe with changes."""
    return parse(recipes.mapping(recipe, list(changes)))


def _agenda(asked: Sequence[TrainingRequest], *, alone: bool) -> Agenda:
    """Trainings to come, each as long as it has samples to see."""
    plan = [Planned(f"train {it.title}", it.training.epochs * it.dataset.sizes["train"]) for it in asked]
    return Agenda(plan, alone=alone)
