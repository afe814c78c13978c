"""The flow `retrain`: look whether anything has changed; if so, train a challenger and let the better one be champion.

Nothing changed: the flow run ends as "Skipped", and neither a training nor an MLflow run is made.
"""

from datetime import UTC, datetime
from typing import Annotated

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from ..artifacts import show_decision
from ..store import tracking
from ..store.store import current_store
from .assessment import Assessment, asked_for, assess, registered_name
from .challenge import challenge
from .decision import MODEL, Decision

SKIPPED = "Skipped"  # the name of the flow run's state where there was no reason to train


def _run_name() -> str:
    """Which model is retrained, for Prefect's lists: ``retrain retrained-mnist-erasure-0.5``."""
    given = runtime.flow_run.parameters
    experiment = asked_for(given.get("recipe", "mnist-erasure"), tuple(given.get("overrides", ())))
    return f"retrain {registered_name(experiment, given.get('model', ''))}"


@flow(name="retrain", flow_run_name=_run_name, persist_result=False)
def retrain(
    recipe: str = "mnist-erasure",
    overrides: tuple[str, ...] = (),
    model: Annotated[str, Field(pattern=MODEL)] = "",
    incoming: str = "",
    min_gain_db: Annotated[float, Field(ge=0, le=10)] = 0.1,
    tolerance: Annotated[float, Field(ge=0, le=10)] = 0.25,
    force: bool = False,
    fresh: bool = False,
) -> Decision | State[None]:
    """Train a challenger if data, experiment or incoming noise have changed; promote it only if it is better.

    Args:
        recipe: A recipe's name, or a YAML file.
        overrides: Changes of it, as training.epochs=3.
        model: The registered model; empty means retrained- and the task's name.
        incoming: A folder with corrupted pictures as they come in; empty means that noise is not watched.
        min_gain_db: What the lower end of the challenger's lead must exceed, in dB.
        tolerance: Which change of noise is let pass, of sigma relative, of the missing share absolute.
        force: Train although nothing has changed.
        fresh: Ignore cached results and train anew.
    """
    experiment, store = asked_for(recipe, overrides), current_store()
    name = registered_name(experiment, model)
    tracking.prepare(store)
    tracking.reconcile()
    # Held from looking to promoting: of two that overlap, the second looks again, at what the first has left.
    with store.lock(f"champion-{name}"):
        found = assess(name, experiment, incoming, tolerance, force=force, fresh=fresh)
        if found.champion is not None and not found.reasons:
            return _skip(found, found.champion)
        return challenge(found, recipe, min_gain_db, tolerance, fresh=fresh)


def _skip(found: Assessment, champion: tracking.ModelVersion) -> State[None]:
    """The end where there is no reason to train."""
    date = f"{datetime.fromtimestamp(champion.creation_timestamp / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    seen = f"noise within tolerance ({found.incoming})" if found.incoming else "noise not watched"
    what = f"same data, same experiment, {seen}"
    if found.settled:
        what = f"but for what a challenger has been trained for already, and lost; {seen}"
    said = f"nothing changed since the champion of {date}: version {champion.version} of {found.model}; {what}"
    show_decision(f"Skipped: {said}.", found.model)
    return Completed(name=SKIPPED, message=said)
