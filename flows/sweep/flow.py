"""The flow `sweep`: many runs of `denoise`, over a space of options, in worker processes; and which was best.

A sweep that was stopped goes on where it was: what it has is in its record, by the digest of what it was asked.
"""

from typing import Annotated

from prefect import flow, runtime
from pydantic import Field

from daecore.errors import DaecoreError
from daecore.experiment.experiment import parse
from daecore.experiment.feasibility import check

from ..artifacts import show_sweep
from ..store import recipes, tracking
from ..store.store import Store, current_store
from ..workers.chosen import choose_workers
from . import sweep_report
from .plan import Method, SweepPlan, plan
from .searching import Search
from .trials import SweepRecord, load_record, still_true

SWEEP = "sweep"  # the tag that holds a sweep's key


def _run_name() -> str:
    """What runs, for Prefect's lists: ``sweep digits-erasure over learning_rate, epochs``."""
    given = runtime.flow_run.parameters
    names = [entry.partition("=")[0].strip().rpartition(".")[2] for entry in given.get("space") or ()]
    return f"sweep {given.get('recipe', '')} over {', '.join(names) or 'nothing'}"


@flow(name="sweep", flow_run_name=_run_name, persist_result=False)
def sweep(
    recipe: str = "digits-erasure",
    overrides: tuple[str, ...] = (),
    space: tuple[str, ...] = ("training.learning_rate=[1.0e-3, 3.0e-3, 1.0e-2]",),
    method: Method = "grid",
    trials: Annotated[int, Field(ge=1, le=1000)] = 20,
    seeds: Annotated[int, Field(ge=1, le=100)] = 1,
    parallel: Annotated[int, Field(ge=1, le=32)] = 1,
    measure: str = "validation_loss",
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0,
) -> SweepRecord:
    """Run an experiment with many settings, and say which was best; the same sweep again goes on where it was.

    Args:
        recipe: The experiment that is varied: a recipe, or a YAML file.
        overrides: Changes of it, as training.epochs=3.
        space: What is tried, as training.learning_rate=[1.0e-3, 3.0e-3] or training.learning_rate={low: 1.0e-4,
            high: 1.0e-2, log: true}.
        method: Every combination (grid), drawn at random, or chosen by what came before (tpe).
        trials: How many points random and tpe try; grid tries all.
        seeds: How many runs each point takes, with experiment seeds that follow each other.
        parallel: How many runs at once; trainings on one device take turns.
        measure: What is compared, as validation_loss, restored_db, ssim, mse or error_percent.probe.100.
        seed: Of the draws of random and tpe.
    """
    base = parse(recipes.mapping(recipe, list(overrides)))
    check(base)
    asked = plan(base, space, method, trials, seeds, measure, seed)
    store = current_store()
    tracking.prepare(store)
    tracking.reconcile()
    with store.lock(f"sweep-{asked.key}"):
        return _run(asked, recipe, parallel, store)


def _run(asked: SweepPlan, recipe: str, parallel: int, store: Store) -> SweepRecord:
    """The sweep from its record to its report."""
    mlflow_experiment = tracking.experiment_id(asked.base.dataset.name, store)
    record = _read_record(asked, store)
    search = Search(asked, recipe, store, record)
    parent = _parent(asked, mlflow_experiment, recipe, record, whole=search.whole)
    search.record = record.model_copy(update={"run_id": parent})
    with tracking.end_run(parent):
        if not search.whole:
            with choose_workers(parallel) as workers:
                search.run(workers)
            tracking.reconcile()  # a worker that died has left its run behind
        search.record.save(store)
        sweep_report.write(asked, search.record)
    show_sweep(sweep_report.markdown(asked, search.record), sweep_report.rows(asked, search.record))
    if not any(trial.state == "finished" for trial in search.record.trials):
        first = search.record.trials[0]
        raise DaecoreError(f"None of the {len(search.record.trials)} trials finished. The first: {first.reason}")
    return search.record


def _read_record(asked: SweepPlan, store: Store) -> SweepRecord:
    """What an earlier process did and is still true."""
    before = load_record(asked, store)
    there = tracking.find_finished(run.run_id for trial in before.trials for run in trial.runs if run.run_id)
    trials = tuple(still_true(trial, asked.candidate(trial.point), there) for trial in before.trials)
    return before.model_copy(update={"trials": trials})


def _parent(asked: SweepPlan, mlflow_experiment: str, recipe: str, record: SweepRecord, *, whole: bool) -> str:
    """The sweep's MLflow run: that of an earlier process, unless it is finished and there is more to do."""
    flow_run = {tracking.FLOW_RUN: str(runtime.flow_run.id or "")}
    found = tracking.runs(f"tags.`{SWEEP}` = '{asked.key}' and tags.stage = 'sweep'", limit=1)
    if found and (whole or found[0].info.status != "FINISHED"):
        run = str(found[0].info.run_id)
        tracking.proceed(run)
        tracking.tag(run, flow_run)
        return run
    tags = {
        "stage": "sweep", SWEEP: asked.key, "recipe": recipe, "dataset": asked.base.dataset.name,
        "measure": asked.measure, **flow_run, **tracking.environment(),
    }  # fmt: skip
    run = tracking.start(mlflow_experiment, asked.title, tags, {"recipe": recipe, **asked.question})
    tracking.log_json(run, asked.base.model_dump(mode="json"), "base.json")
    return run
