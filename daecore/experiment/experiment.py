"""Experiment: everything a user decides, as one frozen value, and how it is read from YAML and changed.

Round trips through YAML and JSON. Knows no store, no run and no plugin by name; whether its parts fit together is
found out by `daecore.experiment.feasibility`.
"""

import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from daecore import laboratory
from daecore.corruption.corruptor import Corruptor
from daecore.errors import InputError, in_a_line, quote
from daecore.experiment import yaml_text
from daecore.json_text import parse_json
from daecore.plugin.options import Options
from daecore.plugin.spec import (
    ArchitectureSpec,
    CorruptionSpec,
    CorruptionSpecs,
    DatasetSpec,
    MetricSpecs,
    ObjectiveSpec,
    digest,
    explain,
    spec,
)
from daecore.training.options import TrainingOptions
from daecore.transfer.transfer import TransferOptions
from daecore.uncertainty.options import ErrorBarsOptions

MOST_BYTES = 100_000_000  # of a run's report; YAML has fewer
DEEPEST = 50  # parts of an option's path; ours have five
INDEX = re.compile("[0-9]{1,9}")  # a place in a list


class Experiment(Options):
    """A denoising experiment, section by section."""

    dataset: DatasetSpec = Field(default_factory=lambda: spec("dataset", "mnist"), description="what is restored")
    corruptions: CorruptionSpecs = Field(
        default_factory=lambda: (spec("corruption", "erasure"),), description="what damages it, in this order"
    )
    architecture: ArchitectureSpec = Field(
        default_factory=lambda: spec("architecture", "conv"), description="the network that restores it"
    )
    objective: ObjectiveSpec = Field(default_factory=lambda: spec("objective", "mse"), description="what it minimises")
    error_bars: ErrorBarsOptions | None = Field(
        default=None, description="bounds around what is restored, with what they promise; none if empty"
    )
    training: TrainingOptions = Field(default_factory=TrainingOptions, description="how it is trained")
    transfer: TransferOptions | None = Field(
        default_factory=TransferOptions, description="which classifiers are trained"
    )
    metrics: MetricSpecs = Field(default=(), description="what else tells how near the restored is to the clean")
    seed: int = Field(default=0, ge=0, le=2**31, description="names every random stream of the training")

    @property
    def digest(self) -> str:
        """SHA-256 of the experiment, independent of the order of keys; error bars and metrics where there are some."""
        left_out = {name for name in ("error_bars", "metrics") if not getattr(self, name)}
        return digest(self.model_dump(mode="json", exclude=left_out))

    @property
    def corruptor(self) -> Corruptor:
        """Its corruptions as one function."""
        return Corruptor(self.corruptions)

    @property
    def title(self) -> str:
        """A short name: ``mnist erasure(p=0.5) conv-64``."""
        options = [",".join(f"{k}={v}" for k, v in _chosen_options(item).items()) for item in self.corruptions]
        chain = " ".join(
            f"{item.name}({text})" if text else item.name for item, text in zip(self.corruptions, options, strict=True)
        )
        code = getattr(self.architecture.options, "code", None)
        network = self.architecture.name if code is None else f"{self.architecture.name}-{code}"
        return f"{self.dataset.name} {chain or 'uncorrupted'} {network}"

    @property
    def form(self) -> dict[str, Any]:
        """The experiment as JSON, as a form shows it: a lone corruption stands for itself."""
        values = self.model_dump(mode="json")
        one = len(self.corruptions) == 1
        return {**values, "corruptions": values["corruptions"][0]} if one else values

    def run(self, *, store: str | PathLike[str] | None = None, fresh: bool = False, name: str = "") -> Any:
        """Run it in the laboratory, as `dae run` does, with its progress; in a notebook the result shows itself.

        Args:
            store: Where it is kept; None: in that of ``DAE_STORE``, or ``./mlruns``.
            fresh: Ignore what is cached, and train anew.
            name: What the run says of the recipe it came from.

        Returns:
            The run that has ended: ``run_id``, ``report``, ``network``, ``panel``.

        Raises:
            InputError: It cannot be run.
            ImportError: The laboratory is not installed.
            DaecoreError: Whatever ends it.
        """
        return laboratory.ask("run", "running an experiment")(self, store=store, fresh=fresh, name=name)

    def dump(self) -> str:
        """The experiment as YAML, every option spelt out."""
        return yaml_text.dump(self.model_dump(mode="json"))


def parse(value: object) -> Experiment:
    """An experiment from what YAML or JSON gave.

    Raises:
        InputError: A section, option or name is wrong; the message names each place.
    """
    try:
        return Experiment.model_validate({} if value is None else value)
    except ValidationError as error:
        said = explain(error, "").rstrip(".")
        raise InputError(f"This experiment cannot be run: {said}.") from None


def read(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        InputError: It cannot be read, or is not a YAML mapping.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"The experiment file {path} has more than {MOST_BYTES:,} bytes, and is not read.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The experiment file {path} cannot be read: {error}.") from None
    value = _json(text, path) if path.suffix == ".json" else yaml_text.load(text, f"The experiment file {path}")
    if not isinstance(value, dict):
        raise InputError(f"{path} must hold sections (dataset, corruptions, ...), but holds {type(value).__name__}.")
    return value


def _json(text: str, path: Path) -> Any:
    """What a run's report says; it may be long, and JSON is read a hundred times faster than YAML."""
    try:
        return parse_json(text)
    except ValueError as error:
        raise InputError(f"The file {path} is not JSON: {error}.") from None


def override(value: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """The mapping with changes of the form ``training.epochs=3``; the right side is YAML.

    Raises:
        InputError: A change has another form, or its path runs through something that has no parts.
    """
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path.strip():
            raise InputError(f"--set takes section.option=value, e.g. training.epochs=3, but got {quote(change)}.")
        parts = path.strip().split(".")
        if len(parts) > DEEPEST:
            raise InputError(f"--set {in_a_line(path)}: no option lies so deep; at most {DEEPEST} parts are read.")
        new = yaml_text.load_value(text, f"--set {in_a_line(path)}: {quote(text)}")
        value = _with(value, parts, new, path)
    return value


def _chosen_options(item: CorruptionSpec) -> dict[str, Any]:
    """The options that differ from the defaults, and the strength in any case."""
    strength = item.extension.strength
    chosen = item.options.model_dump(mode="json", exclude_defaults=True)
    return chosen | ({strength.option: getattr(item.options, strength.option)} if strength else {})


def _with(value: Any, path: list[str], new: Any, whole: str) -> Any:
    """A copy of nested mappings and lists with one place changed."""
    if not path:
        return new
    head, rest = path[0], path[1:]
    if isinstance(value, list) and INDEX.fullmatch(head) and int(head) < len(value):
        return [_with(item, rest, new, whole) if i == int(head) else item for i, item in enumerate(value)]
    if value is None or isinstance(value, str):  # an empty section, or a bare name that now gets options
        value = {} if value is None else {value: {}}
    if not isinstance(value, dict):
        raise InputError(f"--set {in_a_line(whole)}: there is no {quote(head)} inside {quote(value)}.")
    return {**value, head: _with(value.get(head), rest, new, whole)}
