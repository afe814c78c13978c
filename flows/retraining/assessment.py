"""The assessment before a retraining: what is asked for, the world as it is now, and why to train.

Trains nothing, and starts no MLflow run.
"""

from dataclasses import dataclass

from torch import Tensor

from daecore.corruption.noise_level import NoiseEstimate, expected_noise
from daecore.data.samples import as_float
from daecore.errors import InputError
from daecore.experiment.experiment import Experiment, parse
from daecore.experiment.feasibility import check

from ..stages.caller import Caller
from ..stages.dataset import dataset_request, load_dataset, splits_of
from ..store import recipes
from ..store.dataset_ref import DatasetRef
from ..store.final_report import model_name
from ..store.tracking import ModelVersion
from . import champions
from .decision import State, network_digest, reasons
from .incoming import incoming_noise

CLEAN = 500  # clean pictures on which a corruption's noise is estimated


@dataclass(frozen=True)
class Assessment:
    """What was found.

    Attributes:
        model: The registered model.
        experiment: What is asked for.
        dataset: The data as they are.
        incoming: The noise of what comes in; None where it is not watched.
        now: The world, as a champion's version keeps it.
        champion: Who is champion; None before the first.
        reasons: Why to train; empty: there is none.
        settled: Whether something has changed that a challenger has lost for already.
    """

    model: str
    experiment: Experiment
    dataset: DatasetRef
    incoming: NoiseEstimate | None
    now: State
    champion: ModelVersion | None
    reasons: tuple[str, ...]
    settled: bool = False


def asked_for(recipe: str, overrides: tuple[str, ...]) -> Experiment:
    """The experiment of a recipe with changes.

    Raises:
        InputError: It cannot be run, or restores no pictures: champions are compared in dB.
    """
    experiment = parse(recipes.mapping(recipe, list(overrides)))
    if len(check(experiment).clean) != 3:
        raise InputError(
            f"Retraining compares champion and challenger in dB, which only pictures have, but "
            f"{experiment.dataset.name} holds points. Use `dae run` for them."
        )
    return experiment


def registered_name(experiment: Experiment, model: str) -> str:
    """The registered model: the one that was named, else ``retrained-`` and the task as it was asked for.

    A name of its own, because under the task's plain name every run registers its network; and with the recipe's
    strength, because the name must stay when a challenger's strength is set to the incoming noise.
    """
    return model or f"retrained-{model_name(experiment)}"


def assess(
    model: str, experiment: Experiment, folder: str, tolerance: float, *, force: bool, fresh: bool
) -> Assessment:
    """Compare the world with the one the champion was trained for.

    Args:
        model: The registered model, whose lock is held.
        experiment: What is asked for.
        folder: Where corrupted pictures come in; empty: not watched.
        tolerance: Which change of noise is let pass.
        force: A reason of its own.
        fresh: Load the data anew, too.
    """
    dataset: DatasetRef = Caller(fresh)(load_dataset, dataset_request(experiment))
    incoming = incoming_noise(folder, dataset.shape[0], dataset.value_range)
    noise = incoming or expected_noise(experiment.corruptions, clean_of(dataset))
    now = State(dataset=dataset.sha256, experiment=network_digest(experiment), noise=noise)
    champion = champions.champion_of(model)
    if champion is None:
        return Assessment(model, experiment, dataset, incoming, now, None, ("there is no champion yet",))
    watched = incoming is not None
    found = reasons(State.of(champion.tags), now, tolerance, watched=watched)
    before = champions.settled_of(champion)
    settled = bool(found) and before is not None and not reasons(before, now, tolerance, watched=watched)
    given = (*(() if settled else found), *(("it was forced",) if force else ()))
    return Assessment(model, experiment, dataset, incoming, now, champion, given, settled)


def clean_of(dataset: DatasetRef) -> Tensor:
    """Some clean pictures, float32 ``(N, C, H, W)``: validation's, which no network trains on."""
    return as_float(splits_of(dataset).validation.head(CLEAN))
