"""The pipeline: resolve, load, train, judge, transfer, report, as one Prefect flow.

Prefect writes the form's schema when this module is imported: a plugin installed later needs a new process.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from prefect import flow, runtime

from daecore.experiment import Experiment, check, check_samples
from daecore.spec import ArchitectureSpec, CorruptionSpec, DatasetSpec, ObjectiveSpec, digest
from daecore.training import TrainingOptions
from daecore.transfer import TransferOptions, TransferReport

from . import requests, stages, tracking
from .artifacts import show_report
from .keys import provenance
from .records import Evaluated, FileRef, ModelRef, Reported, Request, Timed
from .reporting import Outcome, final_report
from .store import current_store

log = logging.getLogger("daecore.progress")
_DEFAULT = Experiment()


def _run_name() -> str:
    """What runs, for Prefect's lists: ``mnist erasure(p=0.5) conv #0``."""
    chosen = {name: value for name, value in runtime.flow_run.parameters.items() if name in Experiment.model_fields}
    experiment = Experiment.model_validate(chosen)
    return f"{experiment.title} #{experiment.seed}"


@flow(name="denoise", flow_run_name=_run_name, persist_result=False)
def denoise(
    data: DatasetSpec = _DEFAULT.data,
    corruptions: tuple[CorruptionSpec, ...] = _DEFAULT.corruptions,
    autoencoder: ArchitectureSpec = _DEFAULT.autoencoder,
    objective: ObjectiveSpec = _DEFAULT.objective,
    training: TrainingOptions = _DEFAULT.training,
    transfer: TransferOptions | None = _DEFAULT.transfer,
    seed: int = _DEFAULT.seed,
    recipe: str = "",
    fresh: bool = False,
) -> Reported:
    """Corrupt, train, restore, measure, transfer; everything lands in MLflow.

    Args:
        data: What is restored.
        corruptions: What damages it, in this order.
        autoencoder: The network that restores it.
        objective: What the training minimises.
        training: How it is trained.
        transfer: Which classifiers are trained from the encoder; none if empty.
        seed: Names every random stream of the training.
        recipe: The recipe this came from, for the records.
        fresh: Ignore cached results and train anew.
    """
    experiment = Experiment(
        data=data, corruptions=corruptions, autoencoder=autoencoder, objective=objective,
        training=training, transfer=transfer, seed=seed,
    )  # fmt: skip
    check(experiment)
    tracking.prepare(current_store())
    folder = tracking.experiment_id(experiment.data.name, current_store())
    run = tracking.start(folder, experiment.title, _tags(experiment, recipe), experiment.model_dump(mode="json"))
    with tracking.ended(run):
        return _stages(experiment, folder, run, fresh)


def _stages(experiment: Experiment, folder: str, run: str, fresh: bool) -> Reported:
    """The stages in their order; this is the picture of the project."""
    began, call = time.perf_counter(), _Caller(fresh)
    dataset = call(stages.load_dataset, requests.dataset_request(experiment))
    check_samples(experiment, dataset.test_shapes, dataset.smallest_class)
    model = call(
        stages.train_autoencoder, requests.training_request(experiment, dataset), folder, run, fresh, intact=_intact
    )
    referees = call(stages.measure_referees, requests.referees_request(experiment, dataset), intact=_intact)
    judged = call(
        stages.evaluate_denoising,
        requests.evaluation_request(experiment, dataset, model, referees),
        intact=_intact,
    )
    report = TransferReport()
    if experiment.transfer is not None and dataset.classes is not None:
        control = call(
            stages.train_autoencoder,
            requests.training_request(experiment, dataset, control=True),
            folder, run, fresh, intact=_intact, name="train_control",
        )  # fmt: skip
        report = call(stages.transfer, requests.transfer_request(experiment, dataset, model, control))
    flow_run = str(runtime.flow_run.id or "")
    outcome = Outcome(
        experiment=experiment, run_id=run, flow_run_id=flow_run, dataset=dataset, model=model, judged=judged,
        transfer=report, timings=tuple(call.timings), seconds=time.perf_counter() - began, uses=tuple(call.uses),
    )  # fmt: skip
    reported = stages.report(outcome)
    show_report(final_report(reported, current_store()), experiment.title)
    return reported


class _Caller:
    """Calls stages, notes how long each took and whether it was reused, and distrusts a hit whose files are gone."""

    def __init__(self, fresh: bool) -> None:
        self.fresh = fresh
        self.timings: list[Timed] = []
        self.uses: list[str] = []

    def __call__(self, stage: Any, *values: Any, intact: Callable[[Any], bool] | None = None, name: str = "") -> Any:
        began, name = time.perf_counter(), name or stage.name
        log.info("%s", name, extra={"stage": name})
        state = stage.with_options(refresh_cache=self.fresh)(*values, return_state=True)
        result, reused = state.result(), state.name == "Cached"
        if reused and intact is not None and not (intact(result) and _settled(values[0])):
            log.warning("%s: the cached result's files are gone, altered or being made anew; computing it", name)
            result, reused = stage.with_options(refresh_cache=True)(*values), False
        self.uses += [digest(values[0].key), *_left(result)]
        self.timings.append(Timed(stage=name, seconds=time.perf_counter() - began, reused=reused))
        log.info(
            "%s: %s in %.1f s", name, "reused" if reused else "done", self.timings[-1].seconds, extra={"end": name}
        )
        return result


def _left(result: Any) -> list[str]:
    """What a stage left behind, by the name under which cleaning up must spare it."""
    if isinstance(result, ModelRef):
        return [result.run_id]
    files = [result] if isinstance(result, FileRef) else getattr(result, "files", {}).values()
    return list({file.path.split("/")[1] for file in files})


def _settled(request: Request) -> bool:
    """Whether no later training under this key was stopped on its way, which is then to go on."""
    return not current_store().checkpoint(digest(request.key)).exists()


def _intact(result: ModelRef | Evaluated | FileRef) -> bool:
    """Whether every file of a record is there as it was written."""
    store = current_store()
    if isinstance(result, ModelRef):
        return result.weights.intact(store) and tracking.exists(result.run_id)
    files = [result] if isinstance(result, FileRef) else list(result.files.values())
    return all(file.intact(store) for file in files)


def _tags(experiment: Experiment, recipe: str) -> dict[str, str]:
    """What one filters runs by."""
    strengths = [
        f"{item.extension.strength.option}={getattr(item.options, item.extension.strength.option)}"
        for item in experiment.corruptions
        if item.extension.strength
    ]
    specs = [experiment.data, *experiment.corruptions, experiment.autoencoder, experiment.objective]
    return {
        "dataset": experiment.data.name,
        "corruption": "+".join(item.name for item in experiment.corruptions) or "none",
        "strength": ",".join(strengths),
        "architecture": experiment.autoencoder.name,
        "objective": experiment.objective.name,
        "seed": str(experiment.seed),
        "recipe": recipe,
        "stage": "denoise",
        "experiment_digest": experiment.digest,
        "prefect.flow_run_id": str(runtime.flow_run.id or ""),
        **{f"plugin.{name.replace(' ', '.')}": origin for name, origin in provenance(specs).items()},
        **tracking.environment(),
    }
