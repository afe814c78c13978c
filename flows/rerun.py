"""The flow `rerun`: an earlier run's experiment again, with changes, and what differs said on both pages."""

from collections.abc import Mapping
from typing import Any

from prefect import flow, runtime

from daecore.errors import InputError
from daecore.experiment.experiment import Experiment, override, parse
from daecore.experiment.feasibility import check
from daecore.experiment.provenance import provenance, recorded_in, require_same, used_by

from .artifacts import show_changes
from .pipeline import run_experiment
from .stacking.flow import FLOW, run_stack
from .store import tracking
from .store.final_report import Reported
from .store.lookup import experiment_of, find_run
from .store.store import current_store
from .store.tracking import Run


def _run_name() -> str:
    """What runs, for Prefect's lists: ``rerun digits erasure(p=0.5) conv-16: training.epochs=3``."""
    given = runtime.flow_run.parameters
    changes = ", ".join(given.get("overrides") or ())
    try:
        name = _find(given.get("from_run") or "").info.run_name
    except InputError:
        name = given.get("from_run") or "nothing"
    return f"rerun {name}" + (f": {changes}" if changes else "")


@flow(name="rerun", flow_run_name=_run_name, persist_result=False)
def rerun(
    from_run: str = "", overrides: tuple[str, ...] = (), allow_changed_plugins: bool = False, fresh: bool = False
) -> Reported:
    """Run an earlier run's experiment again, with changes or as it was.

    Args:
        from_run: A run's id, the beginning of it, its name, or a registered model as models:/name@alias.
        overrides: Changes of its experiment, as training.epochs=3.
        allow_changed_plugins: Go on where the installed plugins are not the ones it was made with.
        fresh: Ignore cached results and train anew.
    """
    run = _find(from_run)
    experiment = repeat(run, overrides, allow_changed_plugins=allow_changed_plugins)
    changes = differences(experiment_of(run), experiment.model_dump(mode="json"))
    show_changes(_markdown(run, changes))
    tags = {
        "recipe": run.data.tags.get("recipe", ""),
        "rerun_of": run.info.run_id,
        "rerun_changes": "; ".join(f"{path}: {old} -> {new}" for path, (old, new) in changes.items()),
    }
    if run.data.tags.get("flow") == FLOW:
        return run_stack(experiment, tags, fresh=fresh)
    return run_experiment(experiment, tags, fresh=fresh)


def repeat(run: Run, overrides: tuple[str, ...], *, allow_changed_plugins: bool = False) -> Experiment:
    """A run's experiment with changes, checked without data.

    Raises:
        InputError: The run does not say what it did, a change does not fit, or plugins that the experiment uses are
            missing or differ and that is not allowed.
    """
    what = f"The run {run.info.run_id[:12]} ({run.info.run_name})"
    recorded = recorded_in(run.data.tags)
    wanted = override(experiment_of(run), overrides)
    try:
        experiment = parse(wanted)
    except InputError:
        require_same(recorded, what, allow=allow_changed_plugins)  # says it better where a plugin is missing
        raise
    used = provenance(used_by(experiment))
    require_same({name: origin for name, origin in recorded.items() if name in used}, what, allow=allow_changed_plugins)
    check(experiment)
    return experiment


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What changed, ``(old, new)`` by path; a place that is not there is a dash."""
    before, after = dict(tracking.flatten(old)), dict(tracking.flatten(new))
    paths = [*before, *(path for path in after if path not in before)]
    told = {path: (str(before.get(path, "-")), str(after.get(path, "-"))) for path in paths}
    return {path: pair for path, pair in told.items() if pair[0] != pair[1]}


def _find(from_run: str) -> Run:
    if not from_run.strip():
        raise InputError(
            "A rerun needs a run: give from_run a run's id or the beginning of it, its name, or a registered model as "
            "models:/NAME@ALIAS. `dae runs` lists the runs."
        )
    tracking.prepare(current_store())
    return find_run(from_run.strip())


def _markdown(run: Run, changes: Mapping[str, tuple[str, str]]) -> str:
    lines = [f"| `{path}` | {old} | {new} |" for path, (old, new) in changes.items()]
    table = "\n".join(["| | before | now |", "|---|---|---|", *lines]) if lines else "Nothing differs."
    return f"Repeats **{run.info.run_name}** (MLflow run {run.info.run_id}).\n\n{table}"
