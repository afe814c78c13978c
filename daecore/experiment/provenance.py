"""Whether the plugins that are installed are the ones something was made with.

A run records distribution, version and code digest of every plugin it used; whoever takes up such a record compares.
"""

import re
from collections.abc import Iterable, Mapping

from daecore.errors import InputError, quote
from daecore.experiment.experiment import Experiment
from daecore.plugin.definitions import HERE
from daecore.plugin.extension import Extension
from daecore.plugin.installed import Installed
from daecore.plugin.kinds import KINDS
from daecore.plugin.registry import registry
from daecore.plugin.spec import Spec


def provenance(specs: Iterable[Spec[Extension]]) -> dict[str, str]:
    """``{"corruption erasure": "daecore 0.1.0 sha256:…"}`` of the extensions used."""
    found = {}
    for spec in (part for whole in specs for part in whole.parts):
        origin = spec.installed.provenance
        found[f"{spec.kind} {spec.name}"] = f"{origin.distribution} {origin.version} sha256:{origin.digest}"
    return dict(sorted(found.items()))


PLUGIN = "plugin."  # how the tags begin that hold the records of a run's plugins


def plugin_tags(recorded: Mapping[str, str]) -> dict[str, str]:
    """A record as the tags of a run: a tag for each plugin."""
    return {f"{PLUGIN}{name.replace(' ', '.')}": origin for name, origin in recorded.items()}


def recorded_in(tags: Mapping[str, str]) -> dict[str, str]:
    """The record that the tags of a run hold, as `provenance` gave it."""
    return {
        " ".join(tag.removeprefix(PLUGIN).split(".", 1)): origin
        for tag, origin in tags.items()
        if tag.startswith(PLUGIN)
    }


def installed_of(recorded: Mapping[str, str]) -> list[Installed]:
    """The installed extensions of a record's names; what is not installed is left out."""
    return [item for (kind, name), item in registry().extensions.items() if f"{kind} {name}" in recorded]


RECORD = re.compile(r"(?P<distribution>\S.*?) (?P<version>\S*) ?sha256:(?P<digest>[0-9a-f]*)")
MOST_TOLD = 5  # differences in one message


def used_by(experiment: Experiment) -> list[Spec[Extension]]:
    """The extensions an experiment names."""
    augment = experiment.transfer.augment if experiment.transfer is not None else ()
    return [experiment.dataset, *experiment.corruptions, experiment.architecture, experiment.objective,
            *experiment.metrics, *augment]  # fmt: skip


def differences(recorded: Mapping[str, str]) -> list[str]:
    """A sentence for each plugin that is missing or differs.

    Args:
        recorded: As `keys.provenance` gives it: ``{"corruption fog": "dae-fog 0.1.0 sha256:..."}``.
    """
    return [sentence for name, origin in recorded.items() if (sentence := _difference(name, origin))]


def require_same(recorded: Mapping[str, str], what: str, *, allow: bool = False) -> None:
    """Refuse what was made with other plugins than the installed ones.

    Args:
        recorded: What was recorded.
        what: That which was made with them, for the message.
        allow: Go on all the same, where every plugin is at least installed.

    Raises:
        InputError: A plugin is missing, or differs and that is not allowed.
    """
    found = differences(recorded)
    missing = [sentence for sentence in found if "is not installed" in sentence]
    if missing or (found and not allow):
        way = "" if missing else " Install what was recorded, or go on with --allow-changed-plugins."
        more = f" So it is with {len(found) - MOST_TOLD:,} more." if len(found) > MOST_TOLD else ""
        said = f"{' '.join(found[:MOST_TOLD])}{more}"
        raise InputError(f"{what} was made with other plugins than the installed ones. {said}{way}")


def _difference(name: str, origin: str) -> str:
    kind, _, extension = name.partition(" ")
    match = RECORD.fullmatch(origin) if isinstance(origin, str) else None  # it may come from a user's report
    if kind not in KINDS or match is None:
        return f"The record {quote(name)}: {quote(origin)} cannot be read."
    distribution, version, digest = match["distribution"], match["version"], match["digest"]
    installed = registry().extensions.get((kind, extension))
    if installed is None:
        wanted = f"{distribution}=={version}" if version else distribution
        if distribution == HERE:
            how = "it was defined in a program or a notebook; define it again before"
            return f"The {kind} {extension!r} is not installed: {how}."
        how = f"pip install {wanted}" if version else f"name its folder with --plugin-path ({wanted})"
        return f"The {kind} {extension!r} is not installed: {how}."
    now = installed.provenance
    if now.digest == digest:
        return ""
    here = f"{now.distribution} {now.version}".strip()
    same = f"{distribution} {version}".strip() == here
    return (
        f"The {kind} {extension!r} was {f'{distribution} {version}'.strip()} with code {digest[:12]}, and is "
        f"{'the same version' if same else here} with code {now.digest[:12]}."
    )
