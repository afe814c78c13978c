"""The flow `stack`: an experiment whose network is trained layer by layer, then evaluated like any other."""

from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from daecore.experiment.experiment import Experiment
from daecore.experiment.stack_layers import ARCHITECTURE, check_stack, widths
from daecore.plugin.spec import ArchitectureSpec, CorruptionSpecs, DatasetSpec, MetricSpecs, ObjectiveSpec, spec
from daecore.training.options import TrainingOptions
from daecore.transfer.transfer import TransferOptions
from daecore.uncertainty.options import ErrorBarsOptions

from ..pipeline import run_experiment, run_name
from ..stages.caller import Caller
from ..store.dataset_ref import DatasetRef
from ..store.final_report import Reported
from ..store.model_ref import ModelRef
from .layering import pretrain

FLOW = "stack"
_DEFAULT: dict[str, Any] = Experiment(
    corruptions=(spec("corruption", {"erasure": {"p": 0.25}}),),
    architecture=spec("architecture", ARCHITECTURE),
    objective=spec("objective", "cross_entropy"),
).form


@flow(name=FLOW, flow_run_name=run_name, persist_result=False)
def stack(
    dataset: DatasetSpec = _DEFAULT["dataset"],
    corruptions: CorruptionSpecs = _DEFAULT["corruptions"],
    architecture: ArchitectureSpec = _DEFAULT["architecture"],
    objective: ObjectiveSpec = _DEFAULT["objective"],
    error_bars: ErrorBarsOptions | None = _DEFAULT["error_bars"],
    training: TrainingOptions = _DEFAULT["training"],
    transfer: TransferOptions | None = _DEFAULT["transfer"],
    metrics: MetricSpecs = _DEFAULT["metrics"],
    seed: Annotated[int, Field(ge=0, le=2**31)] = _DEFAULT["seed"],
    recipe: str = "",
    parent: str = "",
    fresh: bool = False,
) -> Reported:
    """Train a stack of denoising autoencoders layer by layer, unroll it, restore, measure, transfer.

    Args:
        dataset: What is restored.
        corruptions: What damages the input of every layer: one, or several in their order.
        architecture: The network; the architecture stacked.
        objective: What each layer's training minimises.
        error_bars: Bounds around what is restored, with what they promise; none if empty.
        training: How each layer is trained.
        transfer: Which classifiers are trained from the encoder; none if empty.
        metrics: What else tells how near the restored is to the clean, as [{gmsd: {}}]; usually none.
        seed: Names every random stream of the training.
        recipe: The recipe this came from, for the records.
        parent: The MLflow run that this one belongs to; usually empty.
        fresh: Ignore cached results and train anew.
    """
    experiment = Experiment(
        dataset=dataset, corruptions=corruptions, architecture=architecture, objective=objective,
        error_bars=error_bars, training=training, transfer=transfer, metrics=metrics, seed=seed,
    )  # fmt: skip
    return run_stack(experiment, {"recipe": recipe}, parent=parent, fresh=fresh)


def run_stack(experiment: Experiment, tags: dict[str, str], *, parent: str = "", fresh: bool = False) -> Reported:
    """Run an experiment layer by layer inside the present flow run, with an MLflow run of its own."""
    check_stack(experiment)
    layers = len(widths(experiment))
    return run_experiment(experiment, {**tags, "flow": FLOW}, parent=parent, fresh=fresh, trained=_whole, layers=layers)


def _whole(call: Caller, experiment: Experiment, dataset: DatasetRef, run: str, *, control: bool = False) -> ModelRef:
    """The network of the layers, or of its control: the same stack without corruption."""
    return pretrain(call, experiment, dataset, run, control=control).whole
