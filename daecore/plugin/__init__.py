"""Plugins: what an extension is, the hooks that bring it, the registry, and the spec that names it."""

from daecore.plugin.extension import Extension
from daecore.plugin.hookspecs import hookimpl
from daecore.plugin.kinds import Architecture, Corruption, Dataset, Metric, Objective
from daecore.plugin.options import Options, Strength
from daecore.plugin.source_digest import modules_of, source_digest
from daecore.plugin.spec import (
    ArchitectureSpec,
    CorruptionSpec,
    DatasetSpec,
    MetricSpec,
    ObjectiveSpec,
    SingleCorruptionSpec,
    Spec,
    digest,
    explain,
)

__all__ = [
    "Architecture",
    "ArchitectureSpec",
    "Corruption",
    "CorruptionSpec",
    "Dataset",
    "DatasetSpec",
    "Extension",
    "Metric",
    "MetricSpec",
    "Objective",
    "ObjectiveSpec",
    "Options",
    "SingleCorruptionSpec",
    "Spec",
    "Strength",
    "digest",
    "explain",
    "hookimpl",
    "modules_of",
    "source_digest",
]
