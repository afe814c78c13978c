"""The six hooks a plugin may implement. pluggy is known here and in `daecore.plugin.registry` only."""

import pluggy

from daecore.plugin.extension import Kind, plural
from daecore.plugin.kinds import KINDS, Architecture, Corruption, Dataset, Metric, Objective
from daecore.plugin.series import Series

PROJECT = "daecore"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as a plugin's answer to a hook."""


@hookspec
def register_corruptions() -> list[Corruption]:
    """Return the corruptions this plugin ships."""
    return []


@hookspec
def register_datasets() -> list[Dataset]:
    """Return the datasets this plugin ships."""
    return []


@hookspec
def register_architectures() -> list[Architecture]:
    """Return the autoencoder architectures this plugin ships."""
    return []


@hookspec
def register_objectives() -> list[Objective]:
    """Return the training objectives this plugin ships."""
    return []


@hookspec
def register_metrics() -> list[Metric]:
    """Return the metrics this plugin ships."""
    return []


@hookspec
def register_series() -> list[Series]:
    """Return the series of studies this plugin ships."""
    return []


HOOKS: dict[Kind, str] = {kind: f"register_{plural(kind)}" for kind in KINDS}
