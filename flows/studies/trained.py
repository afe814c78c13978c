"""What a laboratory gives a study: trained networks, stacks of them, and how a network was evaluated.

What a study sees of them are the protocols of `daecore.study`. Knows where they lie in the store. Does not train.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from daecore.data.batch_source import Shape
from daecore.evaluation.denoising import DenoisingReport
from daecore.evaluation.sampling import SamplingReport
from daecore.model.autoencoder import Autoencoder

from ..stages import evaluation, sampling
from ..store.comparison.candidates import read_scores
from ..store.model_ref import ModelRef, load_network
from ..store.store import Store


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
        ref: Where it lies, and how its training went.
        store: The store it lies in.
    """

    ref: ModelRef
    store: Store

    @cached_property
    def network(self) -> Autoencoder:
        """The network on the CPU, in eval mode."""
        return load_network(self.ref, self.store)

    @property
    def seconds(self) -> float:
        """How long its training took."""
        return self.ref.summary.seconds

    @property
    def input_shape(self) -> Shape:
        """The samples it takes, without the batch."""
        return self.ref.input_shape

    @property
    def device(self) -> str:
        """What it was trained on."""
        return self.ref.summary.device

    @property
    def threads(self) -> int:
        """With how many CPU threads."""
        return self.ref.summary.threads


@dataclass(frozen=True)
class Stacked:
    """A stack that was trained layer by layer.

    Attributes:
        layers: Its layers as networks of their own, the lowest first: one above the first takes and gives codes.
        whole: The network made of them.
    """

    layers: tuple[Trained, ...]
    whole: Trained


@dataclass(frozen=True)
class Evaluated:
    """A network's restoration of the test pairs, beside the baselines.

    Attributes:
        trained: The network.
        evaluated: The report with its files.
        store: The store they lie in.
    """

    trained: Trained
    evaluated: evaluation.Evaluated
    store: Store

    @property
    def report(self) -> DenoisingReport:
        """The summary: means, baselines, gains."""
        return self.evaluated.report

    @property
    def digest(self) -> str:
        """Names the pairs: only evaluations with one digest may be paired image by image."""
        return self.evaluated.digest

    @cached_property
    def scores(self) -> Mapping[str, NDArray[Any]]:
        """Per test sample: ``psnr_db``, ``mse``, ``corrupted_db`` ... as in ``per_image.npz``.

        Raises:
            StoreError: They cannot be read.
        """
        path = self.evaluated.files["per_image.npz"].absolute(self.store)
        return read_scores(path)[1]

    @property
    def pictures(self) -> dict[str, bytes]:
        """The evaluation's PNG files by name."""
        files = {name: ref.absolute(self.store) for name, ref in self.evaluated.files.items()}
        return {name: path.read_bytes() for name, path in files.items() if path.suffix == ".png"}


@dataclass(frozen=True)
class Drawn:
    """What a network drew, and what it is worth.

    Attributes:
        trained: The network.
        sampled: The report with its files.
    """

    trained: Trained
    sampled: sampling.Sampled

    @property
    def report(self) -> SamplingReport:
        """Each measure with its interval, ideal and floor."""
        return self.sampled.report

    @property
    def pictures(self) -> dict[str, bytes]:
        """The PNG files by name."""
        return {name: ref.absolute(self.trained.store).read_bytes() for name, ref in self.sampled.files.items()}
