"""What differs between runs: options of their experiments, and by what they were made."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ..tracking import flatten
from .candidates import PLUGIN, Candidate

Settings = dict[str, dict[str, str]]
ABSENT = "-"
# Of an experiment; the word after one is a plugin's name.
SECTIONS = ("dataset", "corruptions", "architecture", "objective")


def differing(candidates: Sequence[Candidate]) -> Settings:
    """Options and facts that are not the same in all runs: by name, then by run.

    A plugin's origin is told where it differs, and not where a run has no use for the plugin: its options say that.
    """
    flat = {one.run_id: _flat(one) for one in candidates}
    names = dict.fromkeys(name for values in flat.values() for name in values)
    rows = {name: {run: values.get(name, ABSENT) for run, values in flat.items()} for name in names}
    return {name: row for name, row in rows.items() if len(_values(name, row)) > 1}


def apart(one: Candidate, settings: Settings) -> str:
    """The options in which a run differs from others of the comparison, as ``erasure.p=0.7, training.epochs=3``.

    Args:
        one: The run.
        settings: What differs, with what the runs were made by.
    """
    told = list(dict.fromkeys(_differences(one, settings)))
    return ", ".join(text for text in told if not any(other.startswith(f"{text}.") for other in told))


def _differences(one: Candidate, settings: Settings) -> Iterator[str]:
    """Options with several values; of those with one value that others lack, only whose they are."""
    for name in (name for name, _ in flatten(one.experiment) if name in settings):
        words = [word for word in name.split(".") if not word.isdigit()]
        words = words[1:] if words[0] in SECTIONS and len(words) > 1 else words
        several = len(set(settings[name].values()) - {ABSENT}) > 1
        yield f"{'.'.join(words)}={settings[name][one.run_id]}" if several else words[0]


def _values(name: str, row: dict[str, str]) -> set[str]:
    return set(row.values()) - ({ABSENT} if name.startswith(PLUGIN) else set())


def _flat(one: Candidate) -> dict[str, str]:
    """Options and facts by name; what else was measured makes no other run."""
    options = {name: "chosen" if value == {} else _value_text(value) for name, value in flatten(one.experiment)
               if name.partition(".")[0] != "metrics"}  # fmt: skip
    return {**options, "dataset sha256": one.dataset[:12], **one.facts}


def _value_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
