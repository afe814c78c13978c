"""What retraining decides, apart from every server: whether there is a reason to train, and who is champion then.

Pure: states and intervals go in, sentences and decisions come out.
"""

from collections.abc import Callable, Mapping, Sequence

from daecore.corruption.noise_level import NoiseEstimate, describe_drift
from daecore.experiment.experiment import Experiment
from daecore.plugin.spec import digest
from daecore.record import Record
from daecore.stats.intervals import Interval

MODEL = r"^[A-Za-z0-9._-]*$"  # a registered model's name: it stands in `models:/NAME@ALIAS` and in the name of a lock


class State(Record):
    """The world a network was trained for.

    Attributes:
        dataset: Digest of the dataset's tensors.
        experiment: Digest of what was asked for, see `network_digest`.
        noise: Noise of what came in; where that was not watched, of the training's own corruption.
    """

    dataset: str
    experiment: str
    noise: NoiseEstimate

    def tags(self) -> dict[str, str]:
        """The state as tags of a registered version."""
        noise = {f"noise_{name}": str(value) for name, value in self.noise.model_dump().items()}
        return {"dataset_sha256": self.dataset, "experiment_digest": self.experiment, **noise}

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> "State | None":
        """The state that tags hold; None where they hold none."""
        try:
            noise = NoiseEstimate.model_validate({name: tags[f"noise_{name}"] for name in NoiseEstimate.model_fields})
            return cls(dataset=tags["dataset_sha256"], experiment=tags["experiment_digest"], noise=noise)
        except (KeyError, ValueError):
            return None


class Contender(Record):
    """One of the two networks: its version in the registry, its training, its score on the common test pairs."""

    version: str
    training_run: str
    restored_db: float | None


class Decision(Record):
    """What a retraining found and did.

    Attributes:
        model: The registered model.
        run_id: The retraining's own MLflow run.
        reported_by: The whole run that trained and reported the challenger.
        reasons: Why it trained at all.
        fitted: What was done about the incoming noise; often empty.
        title: What the challenger was trained for.
        champion: Who was champion before; None where there was none.
        challenger: Who was trained now.
        gain_db: Challenger minus champion, paired over test images, bootstrap 95 %; None where it could not be told.
        min_gain_db: What the interval's lower end had to exceed.
        promoted: Whether the challenger is champion now.
        because: Why.
    """

    model: str
    run_id: str
    reported_by: str
    reasons: tuple[str, ...]
    fitted: str
    title: str
    champion: Contender | None
    challenger: Contender
    gain_db: Interval | None
    min_gain_db: float
    promoted: bool
    because: str


def network_digest(experiment: Experiment) -> str:
    """Digest of an experiment as far as its network depends on it: another seed or number of threads is no reason."""
    whatever = experiment.training.model_copy(update={"threads": 0})
    return digest(
        {
            **experiment.model_dump(mode="json", exclude={"seed", "transfer"}),
            "training": whatever.model_dump(mode="json"),
        }
    )


def reasons(before: State | None, now: State, tolerance: float, *, watched: bool) -> tuple[str, ...]:
    """What has changed since a network was trained, a sentence each; none where nothing has.

    Args:
        before: The world it was trained for; None where nobody wrote that down.
        now: The world as it is.
        tolerance: Which change of noise is let pass, see `daecore.corruption.noise_level.describe_drift`.
        watched: Whether the noise of `now` was seen in what comes in; else it is no reason.
    """
    if before is None:
        return ("it is not known what the champion was trained for",)
    found = [
        "the data have changed" if now.dataset != before.dataset else "",
        "the experiment has changed" if now.experiment != before.experiment else "",
        describe_drift(before.noise, now.noise, tolerance) if watched else "",
    ]
    return tuple(filter(None, found))


def better(gain: Interval, min_gain_db: float) -> tuple[bool, str]:
    """Whether the challenger is to be champion, and why: only if the interval's lower end exceeds the least gain."""
    lead = f"{gain.mean:+.3f} dB [{gain.low:+.3f}, {gain.high:+.3f}]"
    if gain.low > min_gain_db:
        return True, f"the challenger restores {lead} better, more than {min_gain_db:g} dB for certain"
    return False, f"the challenger's lead of {lead} is not more than {min_gain_db:g} dB for certain"


def card(decision: Decision, link: Callable[[str], str] = str) -> str:
    """The decision as markdown.

    Args:
        decision: What was decided.
        link: Turns a run's id into a link.
    """
    rows = [("champion", decision.champion), ("challenger", decision.challenger)]
    table = [
        f"| {name} | {one.version} | {_decibel(one.restored_db)} | {link(one.training_run)} |"
        for name, one in rows
        if one
    ]
    gain = decision.gain_db
    lead = f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}], {gain.n} pictures, paired, 95 %" if gain else ""
    outcome = "is champion now" if decision.promoted else "is not promoted"
    parts = [
        f"# {decision.model}: the challenger {outcome}",
        f"Because {decision.because}.",
        f"Trained because {_join(decision.reasons)}: {decision.title}. {decision.fitted}".strip(),
        "\n".join(["| | version | dB | training |", "|---|---|---|---|", *table]),
        f"Gain in dB: {lead}." if lead else "",
        f"Retraining {link(decision.run_id)}, challenger reported by {link(decision.reported_by)}.",
    ]
    return "\n\n".join(filter(None, parts))


def _join(sentences: Sequence[str]) -> str:
    return ", and ".join(sentences)


def _decibel(value: float | None) -> str:
    return "not evaluated" if value is None else f"{value:.3f}"
