"""From entry points to a read-only registry of extensions. Loading never raises.

A module that does not import, a misspelt hook, a wrong return value or a name already taken lands in
`Registry.broken` with its reason; only *using* such a name is an error. Knows no concrete plugin.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import EntryPoint
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import cast

import pluggy

from daecore.entry_points import find_points, origin_of
from daecore.errors import PluginError, UnknownExtension, choices, in_a_line, quote
from daecore.plugin import hookspecs
from daecore.plugin.answers import check_answer
from daecore.plugin.definitions import definitions
from daecore.plugin.extension import Kind
from daecore.plugin.installed import Broken, Installed, Provenance
from daecore.plugin.kinds import KINDS
from daecore.plugin.series import Series
from daecore.plugin.single_files import load_file, plugin_files
from daecore.plugin.source_digest import module_file, source_digest

GROUP = "daecore.plugins"
BUILT_IN = "daecore"


@dataclass(frozen=True)
class Registry:
    """What is installed, read-only."""

    extensions: Mapping[tuple[Kind, str], Installed]
    broken: tuple[Broken, ...]

    def names(self, kind: Kind) -> list[str]:
        """The installed names of one kind, sorted."""
        return sorted(name for of_kind, name in self.extensions if of_kind == kind)

    def find(self, kind: Kind, name: str) -> Installed:
        """The extension of that kind and name.

        Raises:
            UnknownExtension: Nobody has installed it, or its plugin is broken.
        """
        if (kind, name) in self.extensions:
            return self.extensions[kind, name]
        raise self.unknown(kind, name)

    def unknown(self, kind: Kind | None, name: str) -> UnknownExtension:
        """The error about a name that cannot be used, of this kind or of any."""
        what = kind or "plugin"
        for plugin in self.broken:
            if name in plugin.names or plugin.entry.endswith(f":{name}"):
                return UnknownExtension(f"The {what} {name!r} is installed but broken: {plugin}")
        known = [known for of_kind, known in self.extensions if kind in (None, of_kind)]
        listed_by = "dae studies" if kind == "series" else "dae plugins"
        said = f"There is no {what} called {quote(name)}. {choices(name, known, listed_by)}"
        if self.broken:
            entries = in_a_line(", ".join(plugin.entry for plugin in self.broken))
            said += f" It may be in a broken plugin, {entries}: `{listed_by}` tells what is wrong there."
        return UnknownExtension(said)


def registry() -> Registry:
    """What this process has installed, and what it has defined itself; a plugin installed later needs a new process."""
    there, own = installed(), definitions()
    return Registry(MappingProxyType({**own, **there.extensions}), there.broken) if own else there


@cache
def installed() -> Registry:
    """What is installed, without what this process defines: read once, then kept."""
    found = find_points(GROUP)
    made = build(found.points, plugin_files())
    damaged = tuple(Broken("a distribution", Provenance("unknown", "", ""), reason) for reason in found.damaged)
    return Registry(made.extensions, made.broken + damaged)


@cache
def series_registry() -> Registry:
    """What series this process has installed; no other plugin is loaded, and so no PyTorch: a list is there at once."""
    return build(point for point in find_points(GROUP).points if _brings_series(point))


def find_series(name: str) -> Series:
    """The installed series of this name.

    Raises:
        UnknownExtension: Nobody has installed it, or its plugin is broken.
    """
    return cast("Series", series_registry().find("series", name).extension)  # of that kind there is nothing else


def _brings_series(point: EntryPoint) -> bool:
    """Whether a plugin's module says so; it is read, not loaded."""
    try:
        file = module_file(point.module)
        return file is not None and file.suffix == ".py" and hookspecs.HOOKS["series"].encode() in file.read_bytes()
    except (AttributeError, OSError):  # no name of a module, or nothing that can be read: loading it says so
        return False


def build(points: Iterable[EntryPoint], files: Iterable[Path] = ()) -> Registry:
    """The registry of these entry points and single files: a pure function but for the imports it causes."""
    found: list[Installed] = []
    broken: list[Broken] = []
    ordered = sorted(set(points), key=lambda point: (origin_of(point)[0], point.name))
    sources = [(_entry(point), origin_of(point), point.load) for point in ordered]
    sources += [(path.name, (str(path), ""), partial(load_file, path)) for path in files]
    for entry, origin, load in sources:
        try:
            found += list(_extensions(load(), entry, origin))
        except PluginError as error:
            broken.append(Broken(entry, Provenance(*origin, ""), str(error), (error.name,) if error.name else ()))
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {in_a_line(str(error))}. Mend it, or remove it."
            broken.append(Broken(entry, Provenance(*origin, ""), reason))
    return _without_clashes(found, broken)


def _extensions(module: ModuleType, entry: str, origin: tuple[str, str]) -> Iterator[Installed]:
    """What one module registers; raises whatever is wrong with it."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=entry)
    manager.check_pending()  # a misspelt hook
    provenance = Provenance(*origin, source_digest(module.__name__))
    answers = [(kind, each) for kind in KINDS for each in getattr(manager.hook, hookspecs.HOOKS[kind]).get_hookimpls()]
    if not answers:
        raise PluginError(
            f"It registers nothing: {getattr(module, '__file__', None) or module.__name__} answers none of the hooks "
            f"{', '.join(hookspecs.HOOKS.values())}. Write one, with @hookimpl above it; or another module of the same "
            "name came first, then rename it."
        )
    for kind, answer in answers:
        for extension in check_answer(answer.function(), kind):  # pluggy itself would pass over None
            yield Installed(extension, provenance)


def _without_clashes(found: list[Installed], broken: list[Broken]) -> Registry:
    """One name, one extension: a built-in keeps its name, and two strangers with one name both lose it."""
    ours = {(item.kind, item.extension.name) for item in found if item.provenance.distribution == BUILT_IN}
    counts = Counter((item.kind, item.extension.name) for item in found)
    kept: dict[tuple[Kind, str], Installed] = {}
    for item in found:
        key = (item.kind, item.extension.name)
        if counts[key] == 1 or (key in ours and item.provenance.distribution == BUILT_IN):
            kept[key] = item
        else:
            others = [
                it.provenance.distribution for it in found if (it.kind, it.extension.name) == key and it is not item
            ]
            taken = "a built-in" if key in ours else f"{' and '.join(sorted(map(in_a_line, others)))} too"
            reason = f"the {item.kind} name {key[1]!r} is taken by {taken}"
            entry = f"{item.provenance.distribution}:{key[1]}"
            broken.append(Broken(entry, item.provenance, f"{reason}; rename it or uninstall one", (key[1],)))
    return Registry(MappingProxyType(kept), tuple(broken))


def _entry(point: EntryPoint) -> str:
    return in_a_line(f"{origin_of(point)[0]}:{point.name}")
