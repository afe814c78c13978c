"""Installed: an extension that can be used, or a plugin that cannot, and where it comes from."""

from dataclasses import dataclass

from daecore.plugin.extension import Extension, Kind


@dataclass(frozen=True)
class Provenance:
    """Where an extension comes from: distribution (or file), version, and the digest of the code it is written in."""

    distribution: str
    version: str
    digest: str


@dataclass(frozen=True)
class Installed:
    """An extension that can be used."""

    extension: Extension
    provenance: Provenance

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self.extension.kind


@dataclass(frozen=True)
class Broken:
    """A plugin, or one name of it, that cannot be used, and why."""

    entry: str
    provenance: Provenance
    reason: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        origin = f"{self.provenance.distribution} {self.provenance.version}".strip()
        return f"the plugin {self.entry} ({origin}) cannot be used: {self.reason}"
