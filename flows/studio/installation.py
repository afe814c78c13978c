"""Whether what is installed is in order: versions, plugins, the user's recipes, the device."""

import os
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from ..store import studio_record
from ..store.recipes import FOLDER, mapping
from ..store.store import Store
from . import up
from .finding import Finding


def versions(store: Store) -> Finding:
    """Whether every dependency is there in a version that pyproject.toml allows."""
    wrong = []
    for line in requires("daecore") or []:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted.name} is {found}, wanted {wanted.specifier}")
    advice = " Install again: pip install -c constraints.txt -e ."
    return Finding("versions", not wrong, "; ".join(wrong) + advice if wrong else "as pyproject.toml asks")


def plugins(store: Store) -> Finding:
    """Whether every plugin loads, and the studio serves the installed ones."""
    from daecore.plugin.registry import registry

    broken = [str(plugin) for plugin in registry().broken]
    missing = restart_needed(store)
    said = f"{len(registry().extensions)} extensions"
    if broken:
        said += f"; {'; '.join(broken)}"
    if missing:
        said += f"; {missing}"
    return Finding("plugins", not broken and not missing, said)


def recipes(store: Store) -> Finding:
    """Whether the user's own recipes can be read."""
    from daecore.errors import InputError
    from daecore.experiment.experiment import parse

    own, wrong = sorted((store.root / "recipes").glob("*.yaml")), []
    for path in own:
        if path.stem in {built_in.stem for built_in in FOLDER.glob("*.yaml")}:
            wrong.append(f"{path.name} has a built-in's name and is not used; rename it")
        try:
            parse(mapping(str(path), []))
        except InputError as error:
            wrong.append(f"{path.name}: {error}")
    return Finding("recipes", not wrong, "; ".join(wrong) or f"{len(own)} of your own in {store.root / 'recipes'}")


def device(store: Store) -> Finding:
    """What trainings run on."""
    import torch

    if not torch.cuda.is_available():
        return Finding("device", True, f"CPU, {len(os.sched_getaffinity(0))} cores; torch sees no CUDA device")
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return Finding("device", True, ", ".join(names))


def restart_needed(store: Store) -> str:
    """A sentence if the studio that is up serves other plugins than the installed ones; else empty."""
    from daecore.plugin.registry import registry

    serving = up.served_plugins(store) if studio_record.running(store.root) else None
    if serving is None:
        return ""
    now = {f"{kind} {name}": item.provenance.digest for (kind, name), item in registry().extensions.items()}
    changed = sorted(name for name in now.keys() | serving.keys() if now.get(name) != serving.get(name))
    if not changed:
        return ""
    return f"the studio was started before {', '.join(changed)} changed; end `dae up` and start it again"
