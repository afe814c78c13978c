"""The pipeline: resolve, load, train, evaluate, transfer, report, as one Prefect flow.

Prefect writes the form's schema when this module is imported: a plugin installed later needs a new process.
"""

import time
from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from prefect import flow, runtime
from pydantic import Field

from daecore.experiment.experiment import Experiment
from daecore.experiment.feasibility import check, check_samples
from daecore.experiment.provenance import plugin_tags, provenance, used_by
from daecore.plugin.spec import ArchitectureSpec, CorruptionSpecs, DatasetSpec, MetricSpecs, ObjectiveSpec
from daecore.training.options import TrainingOptions
from daecore.transfer.scores import TransferReport
from daecore.transfer.transfer import TransferOptions
from daecore.uncertainty.calibration import require_count
from daecore.uncertainty.options import ErrorBarsOptions

from .artifacts import show_report
from .stages.agenda import Agenda, Planned
from .stages.baselines import baselines_request, measure_baselines
from .stages.caller import Caller, intact, without_tags
from .stages.dataset import dataset_request, load_dataset
from .stages.error_bars import error_bars_request, fit_bars
from .stages.evaluation import evaluate_denoising, evaluation_request
from .stages.ranks import require_devices
from .stages.report import Outcome, report
from .stages.sampling import evaluate_samples, sampling_request
from .stages.stage import device_of
from .stages.training import train_autoencoder, training_request
from .stages.transfer import transfer, transfer_request
from .store import tracking
from .store.dataset_ref import DatasetRef
from .store.final_report import Reported, final_report
from .store.lookup import EXPERIMENT
from .store.model_ref import ModelRef
from .store.store import current_store
from .workers.console import give_levels

# As JSON: Prefect writes a default into the form as it stands, and a form knows no `Spec`.
_DEFAULT: dict[str, Any] = Experiment().form


class Training(Protocol):
    """How a flow comes to the experiment's network."""

    def __call__(
        self, call: Caller, experiment: Experiment, dataset: DatasetRef, run: str, *, control: bool = False
    ) -> ModelRef:
        """The network, trained or reused; as ``control``, the one without corruption."""
        ...


def run_name() -> str:
    """What runs, for Prefect's lists: ``mnist erasure(p=0.5) conv-64 #0``."""
    chosen = {name: value for name, value in runtime.flow_run.parameters.items() if name in Experiment.model_fields}
    experiment = Experiment.model_validate(chosen)
    return f"{experiment.title} #{experiment.seed}"


@flow(name="denoise", flow_run_name=run_name, persist_result=False)
def denoise(
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
    """Corrupt, train, restore, measure, transfer; everything lands in MLflow.

    Args:
        dataset: What is restored.
        corruptions: What damages it: one, or several in their order.
        architecture: The network that restores it.
        objective: What the training minimises.
        error_bars: Bounds around what is restored, with what they promise; none if empty.
        training: How it is trained.
        transfer: Which classifiers are trained from the encoder; none if empty.
        metrics: What else tells how near the restored is to the clean, as [{gmsd: {}}]; usually none.
        seed: Names every random stream of the training.
        recipe: The recipe this came from, for the records.
        parent: The MLflow run that this one belongs to, as a sweep's; usually empty.
        fresh: Ignore cached results and train anew.
    """
    experiment = Experiment(
        dataset=dataset, corruptions=corruptions, architecture=architecture, objective=objective,
        error_bars=error_bars, training=training, transfer=transfer, metrics=metrics, seed=seed,
    )  # fmt: skip
    return run_experiment(experiment, {"recipe": recipe}, parent=parent, fresh=fresh)


def train_whole(
    call: Caller, experiment: Experiment, dataset: DatasetRef, run: str, *, control: bool = False
) -> ModelRef:
    """The experiment's network, all of it trained at once."""
    request, name = training_request(experiment, dataset, control=control), "train_control" if control else ""
    model: ModelRef = call(train_autoencoder, request, run, call.fresh, intact=intact, name=name)
    return model


def run_experiment(
    experiment: Experiment,
    tags: Mapping[str, str],
    *,
    parent: str = "",
    fresh: bool = False,
    trained: Training = train_whole,
    layers: int = 0,
) -> Reported:
    """Run an experiment inside the present flow run, with an MLflow run of its own.

    A flow run that Prefect starts again goes on in the MLflow run of its earlier attempt.

    Args:
        experiment: What to run.
        tags: What the MLflow run says of itself besides its experiment.
        parent: The MLflow run it is nested in.
        fresh: Ignore cached results and train anew.
        trained: How its network is trained.
        layers: How many trainings that takes, one after the other; 0: all at once.
    """
    give_levels()
    check(experiment)
    require_devices(device_of(experiment).kind, experiment.training.devices)
    store = current_store()
    tracking.prepare(store)
    tracking.reconcile()
    mlflow_experiment = tracking.experiment_id(experiment.dataset.name, store)
    earlier = tracking.run_of_flow(str(runtime.flow_run.id or ""))
    if earlier is not None and earlier.info.status != "FINISHED":
        run = earlier.info.run_id
        tracking.proceed(run)
    else:
        said = {**_tags(experiment), **tags}
        run = tracking.start(mlflow_experiment, experiment.title, said, experiment.model_dump(mode="json"), parent)
    with tracking.end_run(run):
        tracking.log_json(run, experiment.model_dump(mode="json"), EXPERIMENT)
        return _stages(experiment, run, fresh, trained, layers)


def _stages(experiment: Experiment, run: str, fresh: bool, trained: Training, layers: int) -> Reported:
    """The stages in their order; this is the picture of the project."""
    began, call = time.perf_counter(), Caller(fresh, run)
    dataset = call(load_dataset, dataset_request(experiment))
    check_samples(experiment, dataset.test_shapes, dataset.smallest_class)
    if experiment.error_bars is not None:
        require_count(dataset.sizes["validation"], experiment.error_bars.level)
    classifies = experiment.transfer is not None and dataset.classes is not None
    call.agenda = _agenda(layers, control=classifies)
    model = trained(call, experiment, dataset, run)
    baselines = call(measure_baselines, baselines_request(experiment, dataset), intact=intact)
    evaluated = call(
        evaluate_denoising,
        evaluation_request(experiment, dataset, model, baselines),
        intact=intact,
    )
    sampled = None
    if experiment.objective.extension.draws:
        sampled = call(evaluate_samples, sampling_request(experiment, dataset, model), intact=intact)
    bounded = None
    if experiment.error_bars is not None:
        request = error_bars_request(experiment, dataset, model, experiment.error_bars)
        bounded = call(fit_bars, request, intact=intact)
    transferred = TransferReport()
    if classifies:
        control = trained(call, experiment, dataset, run, control=True)
        transferred = call(transfer, transfer_request(experiment, dataset, model, control))
    flow_run = str(runtime.flow_run.id or "")
    outcome = Outcome(
        experiment=experiment, run_id=run, flow_run_id=flow_run, dataset=dataset, model=model, evaluated=evaluated,
        sampled=sampled, bounded=bounded, transfer=transferred, timings=tuple(call.timings),
        seconds=time.perf_counter() - began, uses=tuple(call.uses),
    )  # fmt: skip
    with without_tags():
        reported = report(outcome)
    show_report(final_report(reported, current_store()), experiment.title)
    return reported


def _agenda(layers: int, *, control: bool) -> Agenda:
    """The trainings to come, by the names of their stages; the control takes as long as what it is compared with."""
    numbers = range(1, layers + 1)
    names = [f"train_layer_{number}" for number in numbers] or ["train_autoencoder"]
    controls = [f"train_control_layer_{number}" for number in numbers] or ["train_control"]
    return Agenda([Planned(name) for name in (*names, *(controls if control else ()))])


def _tags(experiment: Experiment) -> dict[str, str]:
    """What one filters runs by."""
    strengths = [
        f"{item.extension.strength.option}={getattr(item.options, item.extension.strength.option)}"
        for item in experiment.corruptions
        if item.extension.strength
    ]
    specs = used_by(experiment)
    return {
        "dataset": experiment.dataset.name,
        "corruption": "+".join(item.name for item in experiment.corruptions) or "none",
        "strength": ",".join(strengths),
        "architecture": experiment.architecture.name,
        "objective": experiment.objective.name,
        "seed": str(experiment.seed),
        "stage": "denoise",
        "experiment_digest": experiment.digest,
        tracking.FLOW_RUN: str(runtime.flow_run.id or ""),
        **plugin_tags(provenance(specs)),
        **tracking.environment(),
    }
