"""Layer by layer: what each layer's training is asked, and the stages in their order.

Each layer is a denoising autoencoder of its own, trained by the pipeline's stage on the clean codes of those below.
"""

from dataclasses import dataclass

from daecore.experiment.experiment import Experiment
from daecore.experiment.stack_layers import layer, widths

from ..stages.caller import Caller, intact
from ..stages.training import TrainingRequest, train_autoencoder, training_request
from ..stages.unroll import unroll, unroll_request
from ..store.dataset_ref import DatasetRef
from ..store.model_ref import ModelRef


@dataclass(frozen=True)
class Pretrained:
    """A stack that was trained layer by layer.

    Attributes:
        layers: The layers, the lowest first.
        whole: The network made of them.
    """

    layers: tuple[ModelRef, ...]
    whole: ModelRef


def layer_request(
    experiment: Experiment, dataset: DatasetRef, below: tuple[ModelRef, ...], *, control: bool = False
) -> TrainingRequest:
    """Train the layer above those that are trained already."""
    return training_request(layer(experiment, len(below) + 1), dataset, control=control, below=below)


def pretrain(
    call: Caller, experiment: Experiment, dataset: DatasetRef, run: str, *, control: bool = False
) -> Pretrained:
    """Train layer after layer, each a stage and an MLflow child run, then make one network of them.

    Args:
        call: Calls the stages.
        experiment: What is trained, and how; see `check_stack`.
        dataset: Its data, loaded.
        run: The run whose children the trainings are.
        control: The same stack without corruption, by plain reconstruction.
    """
    layers: tuple[ModelRef, ...] = ()
    prefix = "control_" if control else ""
    for number in range(1, len(widths(experiment)) + 1):
        request = layer_request(experiment, dataset, layers, control=control)
        name = f"train_{prefix}layer_{number}"
        fresh = call.anew(request)
        layers += (call(train_autoencoder, request, run, fresh, intact=intact, name=name),)
    unrolling = unroll_request(experiment, dataset, layers)
    whole = call(unroll, unrolling, run, call.anew(unrolling), intact=intact, name=f"unroll_{prefix}stack")
    return Pretrained(layers, whole)
