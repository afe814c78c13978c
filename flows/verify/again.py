"""Computing again what a run computed: by the bodies of its stages, without their cache, in a place of its own.

Networks that were trained again, and the run's own for evaluation, lie in a store that is made for this and goes with
it: nothing of the user's store is replaced, published or registered.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from daecore.errors import InputError
from daecore.evaluation.denoising import Evaluation
from daecore.experiment.experiment import Experiment
from daecore.experiment.stack_layers import widths
from daecore.model.autoencoder import Autoencoder, Shapes
from daecore.plugin.spec import ArchitectureSpec
from daecore.trained.model_file import load_with_header
from daecore.training.checkpoint import tensors_digest
from daecore.uncertainty.options import ErrorBarsOptions

from ..stacking.layering import layer_request
from ..stages.baselines import baselines_request, fit_baselines, measure_baselines
from ..stages.computed import facts
from ..stages.dataset import dataset_request, load_dataset
from ..stages.error_bars import calibrate_bars, error_bars_request, fit_bars
from ..stages.evaluation import evaluate_denoising, evaluation_request, restore_pairs
from ..stages.publish import WEIGHTS, save_network
from ..stages.ranks import lead, processes_here
from ..stages.sampling import draw_samples, evaluate_samples, sampling_request
from ..stages.stage import Stage, device_of
from ..stages.training import (
    TrainingRequest,
    begin_training,
    clean_splits,
    train_autoencoder,
    train_epochs,
    training_request,
)
from ..stages.transfer import classify, transfer, transfer_request
from ..stages.unroll import unroll_request, unrolled
from ..store.dataset_ref import DatasetRef
from ..store.device_lock import ONE_CORE, hold
from ..store.file_ref import FileRef, file_ref
from ..store.model_ref import ModelRef
from ..store.store import Store
from .kept import ONE_THREAD, Kept, what

log = logging.getLogger("daecore.progress")


@dataclass(frozen=True)
class Trained:
    """A network that was trained again.

    Attributes:
        name: Its stage: ``train_autoencoder``, ``train_control``, ``train_layer_1``.
        weights: Its tensors.
        losses: Of each epoch; none of what was put together from layers.
    """

    name: str
    weights: Mapping[str, Tensor]
    losses: tuple[float, ...] = ()

    @property
    def sha256(self) -> str:
        """The digest of its weights."""
        return tensors_digest(self.weights)


class Again:
    """A run's stages, computed again one by one.

    Args:
        kept: The run.
        scratch: A store of its own, which goes afterwards.
        threads: With how many threads; 0: each stage with those that it was computed with.

    Attributes:
        computed: With what each stage was computed now.
        trained: The networks that were trained again, in their order.
    """

    def __init__(self, kept: Kept, scratch: Store, threads: int = 0) -> None:
        self.kept, self._scratch, self._threads = kept, scratch, threads
        self.computed: dict[str, dict[str, str]] = {}
        self.trained: list[Trained] = []

    def load(self) -> DatasetRef:
        """The dataset as it is now."""
        with self._stage("load_dataset", load_dataset):
            return load_dataset.fn(dataset_request(self.kept.experiment))

    def own_network(self, store: Store) -> ModelRef:
        """The run's network, whose weights lie in this store; its architecture may have changed since."""
        model = self.kept.model
        network, header = load_with_header(model.weights.absolute(store), allow_changed_plugins=True)
        return self._keep("own", network, model.architecture, header.shapes)

    def train(self, dataset: DatasetRef, *, control: bool = False) -> ModelRef:
        """The network, trained as the run's was; as ``control``, the one without corruption."""
        if self.kept.is_stack:
            return self._train_stack(dataset, control=control)
        name = "train_control" if control else "train_autoencoder"
        with self._stage(name, train_autoencoder) as experiment:
            return self._train(name, training_request(experiment, dataset, control=control))

    def evaluate(self, dataset: DatasetRef, model: ModelRef) -> Evaluation:
        """How well a network restores, beside the baselines, which are measured again, too."""
        with self._stage("measure_baselines", measure_baselines) as experiment, hold(ONE_CORE):
            baselines = self._scratch.root / "baselines.npz"
            fit_baselines(baselines_request(experiment, dataset)).save(baselines)
        with self._stage("evaluate_denoising", evaluate_denoising) as experiment:
            asked = evaluation_request(experiment, dataset, model, file_ref(self._scratch, baselines))
            return restore_pairs(asked, self._scratch).evaluation

    def draw(self, dataset: DatasetRef, model: ModelRef) -> dict[str, Any]:
        """What samples are worth that the network draws, as JSON."""
        with self._stage("evaluate_samples", evaluate_samples) as experiment:
            drawn = draw_samples(sampling_request(experiment, dataset, model), self._scratch)
            return drawn.report.model_dump(mode="json")

    def bound(self, dataset: DatasetRef, model: ModelRef) -> dict[str, Any]:
        """What error bars are worth that are taught anew, as JSON."""
        with self._stage("fit_bars", fit_bars) as experiment:
            options = experiment.error_bars or ErrorBarsOptions()
            asked = error_bars_request(experiment, dataset, model, options)
            return calibrate_bars(asked, self._scratch).report.model_dump(mode="json")

    def classify(self, dataset: DatasetRef, model: ModelRef, control: ModelRef) -> dict[str, Any]:
        """The errors of classifiers that are trained anew, as JSON; see `TransferReport`."""
        with self._stage("transfer", transfer) as experiment:
            asked = transfer_request(experiment, dataset, model, control)
            return classify(asked, self._scratch).model_dump(mode="json")

    def _train_stack(self, dataset: DatasetRef, *, control: bool) -> ModelRef:
        """Layer after layer, each on the codes of those that were trained again below it."""
        if self.kept.experiment.training.devices > 1:
            raise InputError(
                f"{what(self.kept.run)} is a stack that {self.kept.experiment.training.devices} devices trained "
                "together, which is not trained again. Without --train its weights are evaluated again."
            )
        layers: tuple[ModelRef, ...] = ()
        prefix = "control_" if control else ""
        for number in range(1, len(widths(self.kept.experiment)) + 1):
            name = f"train_{prefix}layer_{number}"
            with self._stage(name, train_autoencoder) as experiment:
                layers += (self._train(name, layer_request(experiment, dataset, layers, control=control)),)
        whole, shapes = unrolled(unroll_request(self.kept.experiment, dataset, layers), self._scratch)
        self.trained.append(Trained(f"unroll_{prefix}stack", whole.state_dict()))
        return self._keep(f"unroll_{prefix}stack", whole, self.kept.experiment.architecture, shapes)

    def _train(self, name: str, request: TrainingRequest) -> ModelRef:
        """Train without checkpoints, and tell nobody."""
        begun, here = begin_training(request, self._scratch), processes_here(request.processes)
        led = (request.model_dump_json(), request.device.kind, request.processes)
        with (
            hold(request.device, here),
            request.device.apply(),
            lead(*led, lambda: clean_splits(request, begun.below)) as (world, splits),
        ):
            losses = tuple(epoch.loss for epoch in train_epochs(request, begun, splits, None, world))
        network = begun.model.cpu()
        self.trained.append(Trained(name, network.state_dict(), losses))
        return self._keep(name, network, request.architecture, begun.shapes)

    def _keep(self, name: str, network: Autoencoder, architecture: ArchitectureSpec, shapes: Shapes) -> ModelRef:
        """A network where the stages that need it find it."""
        path = self._scratch.root / name / WEIGHTS
        save_network(path, network, architecture, shapes)
        summary = self.kept.model.summary.model_copy(update={"weights_sha256": tensors_digest(network.state_dict())})
        weights: FileRef = file_ref(self._scratch, path)
        return ModelRef(
            run_id=self.kept.model.run_id, weights=weights, architecture=architecture,
            input_shape=shapes.corrupted, output_shape=shapes.clean, summary=summary,
        )  # fmt: skip

    @contextmanager
    def _stage(self, name: str, stage: Stage[..., Any]) -> Iterator[Experiment]:
        """A stage of the run; yields the experiment, to be computed as that stage was, as far as this machine can."""
        began, experiment = time.perf_counter(), self._as_computed(name)
        log.info("%s", name, extra={"stage": name})
        self.computed[name] = facts(stage.code, None if name in ONE_THREAD else device_of(experiment))
        yield experiment
        log.info("%s: done in %.1f s", name, time.perf_counter() - began, extra={"end": name})

    def _as_computed(self, name: str) -> Experiment:
        """The experiment with the device, the precision and the threads of one stage: equal ones give equal bytes."""
        then, summary = self.kept.computed(name), self.kept.model.summary
        device, threads = then.get("device", summary.device), then.get("threads", "")
        update = {
            "device": "cpu" if device == "cuda" and not torch.cuda.is_available() else device,
            "precision": then.get("precision", summary.precision),
            "threads": self._threads or (int(threads) if threads.isdecimal() else summary.threads),
        }
        training = self.kept.experiment.training.model_copy(update=update)
        return self.kept.experiment.model_copy(update={"training": training})
