"""The challenge: train a challenger, evaluate it and the champion on the same pictures, decide, and say so.

Knows the order of these steps. The rule stands in `decision`, the registry in `champions`.
"""

from collections.abc import Mapping

from prefect import runtime

from daecore.errors import StoreError
from daecore.experiment.experiment import Experiment
from daecore.rng import stream
from daecore.stats.intervals import Interval, bootstrap

from ..artifacts import show_decision
from ..pipeline import denoise
from ..stages.baselines import baselines_request, measure_baselines
from ..stages.caller import Caller, intact
from ..stages.evaluation import Evaluated, evaluate_denoising, evaluation_request
from ..store import tracking
from ..store.comparison.candidates import read_scores
from ..store.dataset_ref import DatasetRef
from ..store.lookup import model_of
from ..store.model_ref import ModelRef
from ..store.store import Store, current_store
from . import champions, decision
from .assessment import Assessment, clean_of
from .decision import Contender, Decision
from .incoming import fit_strength


def challenge(found: Assessment, recipe: str, min_gain_db: float, tolerance: float, *, fresh: bool) -> Decision:
    """Train, evaluate, decide, record, and only then let the alias move.

    Args:
        found: What was asked for and found; the champion's lock is held.
        recipe: Where the experiment came from, for the records.
        min_gain_db: What the lower end of the challenger's lead must exceed.
        tolerance: Which difference of noise is let pass.
        fresh: Ignore cached results and train anew.
    """
    store, run = current_store(), _begin(found, recipe)
    with tracking.end_run(run):
        experiment, said = fit_strength(found.experiment, clean_of(found.dataset), found.incoming, tolerance)
        reported = denoise(**experiment.model_dump(mode="json"), recipe=recipe, parent=run, fresh=fresh)
        trained = model_of(tracking.client().get_run(reported.run_id))
        evaluated, gain, promoted, because = _compare(found, experiment, trained, min_gain_db, store, run)
        version = _enter(found, trained, reported.run_id, gain, store)
        challenger = _contender(version, trained.run_id, evaluated[champions.CHALLENGER])
        champion = found.champion and _contender(
            str(found.champion.version), champions.training_of(found.champion), evaluated.get(champions.CHAMPION)
        )
        decided = Decision(
            model=found.model, run_id=run, reported_by=reported.run_id, reasons=found.reasons, fitted=said,
            title=experiment.title, champion=champion, challenger=challenger, gain_db=gain, min_gain_db=min_gain_db,
            promoted=promoted, because=because,
        )  # fmt: skip
        _record(decided, evaluated, store)
        _carry_out(decided, found)
    return decided


def _compare(
    found: Assessment, experiment: Experiment, trained: ModelRef, min_gain_db: float, store: Store, run: str
) -> tuple[dict[str, Evaluated], Interval | None, bool, str]:
    """Who was evaluated, the challenger's gain, whether it is to be champion, and why.

    Without a champion, or with one that no longer works, the challenger takes the place, and that reason is told.
    """
    call = Caller(fresh=False, run=run)
    challenger = _evaluate(call, experiment, found.dataset, trained)
    evaluated = {champions.CHALLENGER: challenger}
    if found.champion is None:
        return evaluated, None, True, "there was no champion"
    opponent, why = champions.usable(found.champion, trained, store)
    if opponent is None:
        return evaluated, None, True, why
    champion = _evaluate(call, experiment, found.dataset, opponent)
    gain = paired_gain(champion, challenger, store)
    return {champions.CHAMPION: champion, **evaluated}, gain, *decision.better(gain, min_gain_db)


def paired_gain(champion: Evaluated, challenger: Evaluated, store: Store) -> Interval:
    """How much better the challenger restores, in dB, paired over the test pictures, bootstrap 95 %.

    Raises:
        StoreError: They were not evaluated on the same pairs, so that no difference means anything.
    """
    if champion.digest != challenger.digest:
        raise StoreError(
            f"Champion and challenger were evaluated on different pairs ({champion.digest[:12]} and "
            f"{challenger.digest[:12]}) where the same were expected. Run the retraining again with --fresh."
        )
    before, after = (
        read_scores(one.files["per_image.npz"].absolute(store))[1]["psnr_db"] for one in (champion, challenger)
    )
    return bootstrap(after - before, generator=stream(0, "bootstrap", "champion"))


def _begin(found: Assessment, recipe: str) -> str:
    """The retraining's own MLflow run; a flow run that Prefect starts again goes on in that of its earlier attempt."""
    flow_run = str(runtime.flow_run.id or "")
    earlier = tracking.run_of_flow(flow_run)
    if earlier is not None and earlier.info.status != "FINISHED":
        tracking.proceed(earlier.info.run_id)
        return str(earlier.info.run_id)
    tags = {
        "stage": "retrain",
        "model": found.model,
        "recipe": recipe,
        "reasons": "; ".join(found.reasons),
        tracking.FLOW_RUN: flow_run,
        **found.now.tags(),
        **tracking.environment(),
    }
    mlflow_experiment = tracking.experiment_id(found.experiment.dataset.name, current_store())
    return tracking.start(mlflow_experiment, f"retrain {found.model}", tags, found.experiment.model_dump(mode="json"))


def _evaluate(call: Caller, experiment: Experiment, dataset: DatasetRef, model: ModelRef) -> Evaluated:
    """A network's scores on the experiment's test pairs, whoever trained it; taken from the cache where they are."""
    built = experiment.model_copy(update={"architecture": model.architecture})
    baselines = call(measure_baselines, baselines_request(built, dataset), intact=intact)
    asked = evaluation_request(built, dataset, model, baselines)
    evaluated: Evaluated = call(evaluate_denoising, asked, intact=intact)
    return evaluated


def _enter(found: Assessment, trained: ModelRef, reported_by: str, gain: Interval | None, store: Store) -> str:
    """The challenger's version; the champion's own, left as it is, where the training gave just that network."""
    if found.champion is not None and champions.training_of(found.champion) == trained.run_id:
        return str(found.champion.version)
    # No world is settled against it yet.
    evaluated = {"evaluated_gain_db": str(gain) if gain else "", champions.SETTLED: ""}
    return champions.enter(found.model, trained.run_id, reported_by, {**found.now.tags(), **evaluated}, store)


def _contender(version: str, training: str, evaluated: Evaluated | None) -> Contender:
    restored = evaluated.report.restored_db if evaluated else None
    return Contender(version=version, training_run=training, restored_db=restored)


def _record(decided: Decision, evaluated: Mapping[str, Evaluated], store: Store) -> None:
    """Write the decision, both panels and the numbers into the retraining's run, and the card into Prefect.

    Before the alias moves: a decision without its record would be worse than a record of a run that did not finish.
    """
    run, text = decided.run_id, decision.card(decided, _link)
    tracking.log_json(run, decided.model_dump(mode="json"), "decision.json")
    scores = {f"{name}_db": one.report.restored_db for name, one in evaluated.items()}
    gain = decided.gain_db.model_dump(include={"mean", "low", "high"}) if decided.gain_db else {}
    numbers = {**scores, **{f"gain_db.{end}": value for end, value in gain.items()}}
    tracking.log_metrics(run, {name: value for name, value in numbers.items() if value is not None})
    for name, one in evaluated.items():
        if "panel.png" in one.files:
            tracking.log_file(run, one.files["panel.png"].absolute(store), name)
    tracking.tag(run, {"mlflow.note.content": text, "promoted": str(decided.promoted).lower()})
    show_decision(text, decided.model)


def _carry_out(decided: Decision, found: Assessment) -> None:
    """Move the alias, or leave the champion where it is."""
    if decided.promoted:
        champions.promote(decided.model, decided.challenger.version)
    elif decided.champion is not None:
        champions.keep(decided.model, decided.champion.version, found.now, decided.challenger.version)


def _link(run: str) -> str:
    """A run as a link where MLflow is served, else its id."""
    page = tracking.run_page(run)
    return f"[{run}]({page})" if page else run
