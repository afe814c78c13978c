"""What a run keeps, read before anything is computed: from then on nobody may remove it under us."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from daecore.errors import DaecoreError, InputError, StoreError, in_a_line
from daecore.experiment.experiment import Experiment, parse
from daecore.experiment.feasibility import check
from daecore.experiment.provenance import differences, recorded_in, require_same
from daecore.json_text import parse_json
from daecore.trained.model_file import ModelHeader
from daecore.training.checkpoint import load_tensors

from ..stacking.flow import FLOW
from ..store import tracking
from ..store.comparison.candidates import read_scores
from ..store.housekeeping import CLEANING, RUN_ID
from ..store.layout import require_report_layout
from ..store.locks import hold
from ..store.lookup import experiment_of, find_run, model_of
from ..store.model_ref import ModelRef
from ..store.store import Store
from ..store.tracking import Run
from ..store.usage import uses

TAGS = ("python", "torch", "daecore", "git")  # of a run that does not keep with what each stage was computed
ONE_THREAD = ("load_dataset", "measure_baselines")  # stages that compute on one core, whatever the experiment says


@dataclass(frozen=True)
class Kept:
    """A finished run as it is kept.

    Attributes:
        run: It.
        experiment: What it was asked to do.
        report: Its report, as JSON.
        evaluation: The digest of the pairs it was evaluated on.
        scores: Per test sample, by column.
        model: Its network.
        weights: That network's tensors; None where they are gone or altered.
        networks: Every network that it used, by the training's run.
        plugins: What of its plugins has changed since, a sentence each.
    """

    run: Run
    experiment: Experiment
    report: Mapping[str, Any]
    evaluation: str
    scores: Mapping[str, NDArray[Any]]
    model: ModelRef
    weights: Mapping[str, Tensor] | None
    networks: Mapping[str, ModelRef]
    plugins: tuple[str, ...]

    @property
    def is_stack(self) -> bool:
        """Whether its network was trained layer by layer."""
        return bool(self.run.data.tags.get("flow") == FLOW)

    @property
    def says_with_what(self) -> bool:
        """Whether it says with what each stage was computed: runs made before do not."""
        return bool(self.report.get("computed"))

    @property
    def classifies(self) -> bool:
        """Whether it has classifiers, and with them a control."""
        return bool(self.report["transfer"])

    def computed(self, stage: str) -> dict[str, str]:
        """With what a stage was computed, as far as the run says."""
        found = self.report.get("computed", {}).get(stage)
        if found:
            return dict(found)
        summary = self.model.summary
        tags = {name: self.run.data.tags[name] for name in TAGS if self.run.data.tags.get(name)}
        if stage in ONE_THREAD:
            return tags
        return {"device": summary.device, "precision": summary.precision, "threads": str(summary.threads), **tags}

    def control(self) -> ModelRef | None:
        """The network without corruption; None where it cannot be told which one it was."""
        others = [ref for run_id, ref in self.networks.items() if run_id != self.model.run_id and self._is_whole(ref)]
        return others[0] if len(others) == 1 else None if others else self.model

    def layers(self, whole: ModelRef | None) -> list[ModelRef | None]:
        """The layers that a network was made of, the lowest first; None for each that is not known."""
        named = tracking.client().get_run(whole.run_id).data.params.get("layers", "") if whole else ""
        return [self.networks.get(run_id) for run_id in re.findall(RUN_ID, named)]

    def _is_whole(self, ref: ModelRef) -> bool:
        """Whether it is a network of the experiment's architecture, not a layer of one."""
        return ref.architecture.dump() == self.model.architecture.dump()


def read_kept(text: str, store: Store) -> Kept:
    """The run that is meant, with all that a verification needs of it.

    Args:
        text: A run's id, the beginning of it, its name, or a registered model as ``models:/name@alias``.
        store: Where it is.

    Raises:
        InputError: There is no such run, it is not finished, or one of its plugins is not installed.
        StoreError: What it keeps is gone or cannot be read.
    """
    run = find_run(text)
    _require_finished(run)
    with hold(store.lock_named(CLEANING, shared=True), "what is being cleaned up"):
        evaluation, scores = read_scores(tracking.artifact(run.info.run_id, "per_image.npz"))
        model = model_of(run)
        return Kept(
            run=run,
            experiment=_experiment(run),
            report=_report(run),
            evaluation=evaluation,
            scores=scores,
            model=model,
            weights=_weights(model, store),
            networks=_networks(run),
            plugins=tuple(differences(recorded_in(run.data.tags))),
        )


def what(run: Run) -> str:
    """The run, as messages name it."""
    return f"The run {run.info.run_id[:12]} ({run.info.run_name})"


def _require_finished(run: Run) -> None:
    state = run.info.status if run.info.lifecycle_stage == "active" else "removed"
    if state == "RUNNING":
        raise InputError(f"{what(run)} is still going on: there is nothing to verify yet. Wait until it has ended.")
    if state == "removed":
        raise InputError(f"{what(run)} was removed. `dae rm --undo {run.info.run_id}` brings it back until `dae gc`.")
    if state != "FINISHED":
        raise InputError(
            f"{what(run)} is {state} and has no result to verify. `dae rerun {run.info.run_id[:12]}` goes on with it; "
            "verify what comes of that."
        )


def _experiment(run: Run) -> Experiment:
    """What it was asked to do, where it can be done with the plugins that are installed, changed or not."""
    recorded = recorded_in(run.data.tags)
    require_same(recorded, what(run), allow=True)  # refuses what is missing
    try:
        experiment = parse(experiment_of(run))
        check(experiment)
        return experiment
    except InputError as error:
        raise because_of_plugins(error, differences(recorded)) from None


def because_of_plugins(error: DaecoreError, changed: Sequence[str]) -> DaecoreError:
    """The same failure, with what has changed of the plugins since the run was made."""
    error.args = (" ".join([str(error), *changed]), *error.args[1:])
    return error


def _report(run: Run) -> dict[str, Any]:
    path = tracking.artifact(run.info.run_id, "report.json")
    try:
        found = parse_json(path.read_bytes())
        found["denoising"], found["dataset"]["sha256"], found["transfer"]
    except FileNotFoundError:
        raise StoreError(f"{what(run)} keeps no report: {path} is gone. There is nothing to compare with.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is not a report that daecore wrote: {in_a_line(repr(error))}.") from None
    require_report_layout(found, str(path))
    return dict(found)


def _weights(model: ModelRef, store: Store) -> dict[str, Tensor] | None:
    if not model.weights.intact(store):
        return None
    return load_tensors(model.weights.absolute(store), ModelHeader)[0]


def _networks(run: Run) -> dict[str, ModelRef]:
    """Every network that the run says it used, by the training's run; those that cannot be read are left out."""
    found = {}
    for run_id in sorted(name for name in uses(run) if RUN_ID.fullmatch(name)):
        training = tracking.run_of(run_id)
        if training is not None and tracking.MODEL in training.data.tags:
            try:
                found[run_id] = ModelRef.of(training.data.tags[tracking.MODEL], f"The training {run_id}")
            except StoreError:  # its architecture is not installed
                continue
    return found
