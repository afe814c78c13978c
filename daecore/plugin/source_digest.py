"""Source digest: what a module's results depend on in code, found in the syntax trees without running anything.

Knows files and their imports. Does not know what the code does. A digest is taken of the trees without comments and
docstrings: who mends a sentence changes no result.
"""

import ast
import hashlib
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from importlib.machinery import all_suffixes
from importlib.util import find_spec, resolve_name
from pathlib import Path

from daecore.errors import InputError


def source_digest(*modules: str, leave_out: Collection[str] = (), within: Sequence[str] = ()) -> str:
    """SHA-256 of the modules and of all that they import from their own package, directly or not.

    Args:
        modules: Full names, such as ``daecore.training.loop``.
        leave_out: Modules of the package that change no result; they are not followed either.
        within: Follow imports inside these packages only; by default inside each module's whole distribution.

    Raises:
        InputError: There is no module of such a name: a digest of nothing would never change.
    """
    require_modules(*modules, *leave_out)
    state = hashlib.sha256()
    for name, path in sorted(_sources(modules, leave_out, within).items()):
        state.update(name.encode() + content_digest(path))
    return state.hexdigest()


def require_modules(*names: str) -> None:
    """Refuse names behind which no module lies.

    Raises:
        InputError: There is none of such a name.
    """
    unknown = [name for name in names if module_file(name) is None]
    if unknown:
        raise InputError(
            f"There is no module {', '.join(map(repr, unknown))}, but a stage or a plugin says that its results depend "
            "on it. Name modules in full, such as 'daecore.training.loop'."
        )


def modules_of(package: str) -> list[str]:
    """Every module of a package, in its folders too; the packages' own files are left out."""
    file = module_file(package)
    folder = file.parent if file is not None else Path()
    paths = sorted(folder.rglob("[!_]*.py")) if file is not None else []
    return [".".join((package, *path.relative_to(folder).with_suffix("").parts)) for path in paths]


def content_digest(path: Path) -> bytes:
    """SHA-256 of what a file says to the machine: of Python its syntax tree, of anything else its bytes."""
    state = path.stat()
    return _content_digest(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2000)
def _content_digest(path: Path, changed: int, size: int) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".py":
        content = "".join(_write_tree(_without_docstrings(ast.parse(content)))).encode()
    return hashlib.sha256(content).digest()


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and type(first.value.value) is str:
                del node.body[0]
    return tree


def _write_tree(value: object) -> Iterator[str]:
    """A tree as text; what is empty is left out, so that Pythons whose trees have more fields say the same."""
    if isinstance(value, ast.AST):
        yield f"{type(value).__name__}("
        for name, field in ast.iter_fields(value):
            if field is not None and field != []:
                yield f"{name}="
                yield from _write_tree(field)
        yield ")"
    elif isinstance(value, list):
        yield "["
        for item in value:
            yield from _write_tree(item)
            yield ","
        yield "]"
    else:
        yield repr(value)


def _sources(modules: tuple[str, ...], leave_out: Collection[str], within: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = None if name in found or name in leave_out else module_file(name)
        if path is not None:
            found[name] = path
            packages = tuple(f"{package}." for package in within or (name.partition(".")[0],))
            waiting += [other for other in _imports(name, path) if f"{other}.".startswith(packages)]
    return found


def module_file(name: str) -> Path | None:
    """The file of a module of this full name, found without importing what is above it; None where there is none."""
    top, *parts = name.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not parts:
        return Path(spec.origin) if spec.has_location and spec.origin else None
    folders = [Path(folder, *parts) for folder in spec.submodule_search_locations or ()]
    beside = [folder.with_name(folder.name + suffix) for folder in folders for suffix in all_suffixes()]
    files = [*beside, *(folder / "__init__.py" for folder in folders)]
    return next((file for file in files if file.is_file()), None)


def _imports(name: str, path: Path) -> Iterator[str]:
    """Full names of what a file imports; of ``from a import b`` the module ``a.b`` where there is one, else ``a``."""
    if path.suffix != ".py":
        return
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (package or not node.level):
            base = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            for alias in node.names:
                module = f"{base}.{alias.name}"
                yield module if module_file(module) is not None else base
