"""Definitions: extensions that this process has defined itself, beside what is installed; they end with it.

Their code is part of what results depend on: one that is written again is another one.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from daecore.errors import PluginError
from daecore.plugin.extension import Extension, Kind
from daecore.plugin.installed import Installed, Provenance

HERE = "this program"  # in the place of a distribution

_definitions: dict[tuple[Kind, str], Installed] = {}
_sources: dict[tuple[Kind, str], str] = {}


def definitions() -> Mapping[tuple[Kind, str], Installed]:
    """What this process has defined."""
    return MappingProxyType(_definitions)


def source_of(kind: Kind, name: str) -> str:
    """The code of a definition, as it was written, after that of what it refers to; empty where there is none."""
    return _sources.get((kind, name), "")


def define(extension: Extension, source: str) -> None:
    """Keep a definition; the same name again replaces it.

    Args:
        extension: What is defined.
        source: Its code.

    Raises:
        PluginError: A plugin has its name.
    """
    from daecore.plugin.registry import installed

    key = (extension.kind, extension.name)
    if key in installed().extensions:
        raise PluginError(
            f"The {extension.kind} name {extension.name!r} is a plugin's. Call your own one otherwise.", extension.name
        )
    _sources[key] = source
    _definitions[key] = Installed(extension, Provenance(HERE, "", hashlib.sha256(source.encode()).hexdigest()))
