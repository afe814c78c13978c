"""Champions in the registry: who it is, what it was trained for, whether it still works, and who follows.

The alias `champion` is the one fact; everything else is written before it moves, or may be lost.
"""

from daecore.errors import InputError, StoreError

from ..store import tracking
from ..store.lookup import model_of
from ..store.model_ref import ModelRef, load_network
from ..store.store import Store
from ..store.tracking import ModelVersion
from .decision import State

CHAMPION, CHALLENGER = tracking.CHAMPION, "challenger"
SETTLED = "dae.settled"  # a champion's tag: the world for which a challenger has lost against it


def champion_of(model: str) -> ModelVersion | None:
    """The version that is champion; None before the first."""
    return tracking.version_at(model, CHAMPION)


def training_of(version: ModelVersion) -> str:
    """The training run that a version came from."""
    return str(version.tags.get(tracking.TRAINED_BY, version.run_id))


def settled_of(champion: ModelVersion) -> State | None:
    """The world for which the champion has been challenged in vain, last."""
    try:
        return State.model_validate_json(champion.tags[SETTLED])
    except (KeyError, ValueError):
        return None


def usable(champion: ModelVersion, challenger: ModelRef, store: Store) -> tuple[ModelRef | None, str]:
    """The champion's network, or None and why it cannot be evaluated beside the challenger."""
    try:
        found = model_of(tracking.client().get_run(training_of(champion)))
        load_network(found, store)
    except (InputError, StoreError) as error:
        return None, f"the champion's network cannot be loaded any more ({str(error).rstrip('.')})"
    shapes = [(one.input_shape, one.output_shape) for one in (found, challenger)]
    if shapes[0] != shapes[1]:
        return None, "the champion's network does not fit the data any more: {} -> {} is now {} -> {}".format(
            *shapes[0], *shapes[1]
        )
    return found, ""


def enter(model: str, training: str, reported_by: str, tags: dict[str, str], store: Store) -> str:
    """Register a training's network under a model's name, once, with all its tags; the version."""
    with store.lock("registry"):
        return tracking.register(model, training, reported_by, tags)


def promote(model: str, version: str) -> None:
    """Make a version champion.

    Moving the alias is the commit: the registry replaces one row in one transaction, so that there is one champion
    before and one after, whenever this process dies. Killed before it, the old champion stays and the next
    retraining finds the same reasons, with everything in the cache; killed after it, only the alias `challenger`
    may still point at the new champion, which the next promotion or challenge mends.
    """
    tracking.give_alias(model, CHAMPION, version)
    challenger = tracking.version_at(model, CHALLENGER)
    if challenger is not None and str(challenger.version) == version:
        tracking.take_alias(model, CHALLENGER)


def keep(model: str, champion: str, state: State, challenger: str) -> None:
    """Leave the champion: the challenger gets its alias, and this world is settled until it changes again.

    Killed in between, the next retraining evaluates once more, from the cache.
    """
    if challenger != champion:
        tracking.give_alias(model, CHALLENGER, challenger)
    tracking.tag_version(model, champion, {SETTLED: state.model_dump_json()})
