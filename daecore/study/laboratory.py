"""What a study is given: a laboratory that trains, evaluates and classifies, and what it gives back.

Protocols alone: nothing here says where a network is kept, or who has trained it. `dae study` brings a laboratory whose
trainings are the pipeline's cached stages; `daecore.testing` a small one that keeps everything in memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from daecore.data.batch_source import Shape
from daecore.data.samples import Splits
from daecore.evaluation.denoising import DenoisingReport
from daecore.evaluation.sampling import SamplingReport
from daecore.experiment.experiment import Experiment
from daecore.model.autoencoder import Autoencoder
from daecore.transfer.scores import Classified
from daecore.transfer.svm import SvmReport
from daecore.transfer.task import ClassifierOptions, Method


class Trained(Protocol):
    """A trained network."""

    @property
    def network(self) -> Autoencoder:
        """The network on the CPU, in eval mode."""

    @property
    def input_shape(self) -> Shape:
        """The samples it takes, without the batch."""

    @property
    def seconds(self) -> float:
        """How long its training took."""

    @property
    def device(self) -> str:
        """What it was trained on, as ``cpu``."""

    @property
    def threads(self) -> int:
        """With how many CPU threads."""


class Stacked(Protocol):
    """A stack that was trained layer by layer."""

    @property
    def layers(self) -> Sequence[Trained]:
        """Its layers as networks of their own, the lowest first: one above the first takes and gives codes."""

    @property
    def whole(self) -> Trained:
        """The network made of them."""


class Evaluated(Protocol):
    """A network's restoration of the test pairs, beside the baselines."""

    @property
    def trained(self) -> Trained:
        """The network."""

    @property
    def report(self) -> DenoisingReport:
        """The summary: means, baselines, gains."""

    @property
    def digest(self) -> str:
        """Names the pairs: only evaluations with one digest may be paired image by image."""

    @property
    def scores(self) -> Mapping[str, NDArray[Any]]:
        """Per test sample: ``psnr_db``, ``mse``, ``corrupted_db`` and more, each ``(N,)``."""

    @property
    def pictures(self) -> Mapping[str, bytes]:
        """The evaluation's PNG files by name."""


class Drawn(Protocol):
    """What a network drew, and what it is worth."""

    @property
    def trained(self) -> Trained:
        """The network."""

    @property
    def report(self) -> SamplingReport:
        """Each measure with its interval, ideal and floor."""

    @property
    def pictures(self) -> Mapping[str, bytes]:
        """The PNG files by name: images have ``samples.png``."""


class Laboratory(Protocol):
    """What one study works with."""

    @property
    def quick(self) -> bool:
        """Whether budgets are small."""

    @property
    def used(self) -> Mapping[str, Experiment]:
        """What was trained so far, by the arguments of `dae` that do it again."""

    def experiment(self, recipe: str, *changes: str, quick: Sequence[str] = ()) -> Experiment:
        """A recipe as an experiment.

        Args:
            recipe: Its name.
            changes: As ``--set`` takes them: ``training.epochs=3``.
            quick: More changes where budgets are small; datasets that can be cut short are then, too.
        """

    def splits(self, experiment: Experiment) -> Splits:
        """The experiment's data, on the CPU."""

    def train(self, experiment: Experiment) -> Trained:
        """The experiment's network."""

    def train_all(self, experiments: Sequence[Experiment]) -> Iterator[Trained]:
        """Their networks, in this order, each given as soon as it and all before it are there."""

    def stack(self, experiment: Experiment) -> Stacked:
        """The experiment's network, trained layer by layer as `dae stack` does."""

    def evaluate(self, experiment: Experiment, model: Trained | None = None) -> Evaluated:
        """Restore the experiment's test pairs and score every image, beside the baselines.

        Args:
            experiment: Its test pairs are restored, by its own network, which is trained if need be.
            model: Another network, evaluated instead of its own.
        """

    def draw(self, experiment: Experiment) -> Drawn:
        """Draw samples for some of the experiment's test pairs with its network, and measure them."""

    def evaluate_svm(self, experiment: Experiment) -> SvmReport:
        """What a support vector machine makes of the experiment's data."""

    def classify(
        self, experiment: Experiment, model: Trained | None, method: Method, options: ClassifierOptions,
        *, labels: int, draw: int,
    ) -> Classified:  # fmt: skip
        """One classifier and its test error.

        Args:
            experiment: Its data and seed; its network's first weights, another for each draw, where there is no model.
            model: The network whose encoder is taken.
            method: How the encoder becomes a classifier.
            options: How that is trained; of several rates validation chooses one.
            labels: How many there are; 0: the whole training set.
            draw: Which draw of labels.
        """

    def choose(
        self, experiment: Experiment, model: Trained | None, method: Method, options: ClassifierOptions, *, labels: int
    ) -> ClassifierOptions:
        """The options with the one learning rate that validation prefers, on a draw of labels that is not scored."""
