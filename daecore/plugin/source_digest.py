"""Source: what a module's results depend on in code, found in the syntax trees without running anything.

Knows files and their imports. Does not know what the code does.
"""

import ast
import hashlib
from collections.abc import Container, Iterator, Sequence
from importlib.util import find_spec, resolve_name
from pathlib import Path


def source_digest(*modules: str, leave_out: Container[str] = (), within: Sequence[str] = ()) -> str:
    """SHA-256 of the modules and of all that they import from their own package, directly or not.

    Args:
        modules: Full names, such as ``daecore.training.loop``.
        leave_out: Modules of the package that change no result; they are not followed either.
        within: Follow imports inside these packages only; by default inside each module's whole distribution.
    """
    state = hashlib.sha256()
    for name, path in sorted(_sources(modules, leave_out, within).items()):
        state.update(name.encode() + path.read_bytes())
    return state.hexdigest()


def _sources(modules: tuple[str, ...], leave_out: Container[str], within: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = None if name in found or name in leave_out else _file(name)
        if path is not None:
            found[name] = path
            packages = tuple(f"{package}." for package in within or (name.partition(".")[0],))
            waiting += [other for other in _imports(name, path) if f"{other}.".startswith(packages)]
    return found


def _file(name: str) -> Path | None:
    """A module's file, found without importing what is above it; None where there is none."""
    top, *parts = name.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not parts:
        return Path(spec.origin) if spec.has_location and spec.origin else None
    places = [Path(folder, *parts) for folder in spec.submodule_search_locations or ()]
    files = [file for place in places for file in (place.with_name(f"{place.name}.py"), place / "__init__.py")]
    return next((file for file in files if file.is_file()), None)


def _imports(name: str, path: Path) -> Iterator[str]:
    """Full names of what a file imports; of ``from a import b`` both ``a`` and ``a.b``, as ``b`` may be a module."""
    if path.suffix != ".py":
        return
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (package or not node.level):
            base = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
