"""The pages of the reference that are written from the code: API, commands, recipes, experiment, report.

Knows the package's front doors, the command line, the recipes and the records. Does not know Sphinx. What has no
description stops the build.
"""

import ast
import html
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from report_keys import report

# The front doors, in the order in which they are shown. Each is a package with `__all__`; nothing else is public.
ROOMS = "data plugin corruption model training stats analysis evaluation transfer plots html experiment study testing"
DOORS = ("daecore", *(f"daecore.{room}" for room in ROOMS.split()))


def write(folder: Path) -> None:
    """Write every page; one that says the same stays as it is, so that it is not built again."""
    (folder / "api").mkdir(parents=True, exist_ok=True)
    pages = {f"api/{name}": api(name) for name in DOORS}
    pages |= {"commands": commands(), "recipes": recipes(), "experiment": experiment(), "report": report()}
    for path in {*folder.rglob("*.md")} - {folder / f"{name}.md" for name in pages}:
        path.unlink()  # of a door that is gone
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def api(name: str) -> str:
    """A front door: what it says of itself, then each of its public names."""
    module = importlib.import_module(name)
    said = _document(module.__doc__, name)
    rooms = {public: _room(module, public) for public in module.__all__}
    body = "\n\n".join(_directive(module, public) for public, room in rooms.items() if not room)
    others = [f"* :py:obj:`{public} <{room}.{public}>`" for public, room in rooms.items() if room]
    body += "\n\nAlso here, and told of with their rooms:\n\n" + "\n".join(others) if others else ""
    return f"# {name}\n\n```{{eval-rst}}\n.. py:module:: {name}\n\n{said}\n\n{body}\n```\n"


def _room(module: ModuleType, name: str) -> str:
    """The room that has a name of the topmost door, too; empty where none has."""
    value = getattr(module, name)
    others = [importlib.import_module(door) for door in DOORS[1:] if module.__name__ == DOORS[0]]
    return next((other.__name__ for other in others if getattr(other, name, None) is value), "")


def _directive(module: ModuleType, name: str) -> str:
    """How Sphinx is told of a name: classes and functions speak for themselves, values by the string below them."""
    value, whole = getattr(module, name), f"{module.__name__}.{name}"
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return f".. py:data:: {name}\n\n   {_value_doc(module.__name__, name)}"
    _document(value.__doc__, whole)
    if inspect.isroutine(value):
        return f".. autofunction:: {whole}"
    for method, found in vars(value).items():
        if not method.startswith("_") and (inspect.isroutine(found) or isinstance(found, property)):
            _document(found.__doc__, f"{whole}.{method}")
    kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
    return f".. {kind}:: {whole}\n   :members:"


def _document(said: str | None, name: str) -> str:
    if not said:
        raise ValueError(f"{name} is public and has no docstring: say in a sentence what it is.")
    return inspect.cleandoc(said)


def _value_doc(module: str, name: str) -> str:
    """The string below an assignment, looked for where the name comes from."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    for here, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        targets = here.targets if isinstance(here, ast.Assign) else [getattr(here, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return inspect.cleandoc(str(after.value.value))
            raise ValueError(f"{module}.{name} is public and has no docstring: put a string below its assignment.")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and any(item.name == name for item in node.names):
            return _value_doc(node.module, name)
    raise ValueError(f"{module} has a public {name}, and nothing there assigns or imports it.")


def commands() -> str:
    """The command line, as typer writes it."""
    import typer
    from daecore_flows.cli import app
    from typer.cli import get_docs_for_click

    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="dae").replace(
        "```console\n$ ", "```text\n"
    )
    first = text.index("\n## `dae ")  # what comes before cuts each command's sentence short
    said = {name: (item.help or "").partition("\n\n")[0] for name, item in command.commands.items()}
    rows = [
        f"| [`dae {name}`](#dae-{name}) | {_require_documented(text, name, 'help')} |" for name, text in said.items()
    ]
    head = [
        "# The command line",
        "",
        str(command.help),
        "",
        re.sub(r"--[\w-]+( [A-Z]+)?", r"`\g<0>`", html.escape(str(command.epilog))),
        "",
    ]
    return "\n".join([*head, "| command | what it does |", "|---|---|", *rows, text[first:]])


def recipes() -> str:
    """Every recipe that comes with the project, by its folder or series, with its first comment."""
    from daecore_flows.store.recipes import packaged_recipes, summary

    lines = ["# Recipes", "", "Complete experiments that come with the project. `dae run NAME` runs one."]
    lines += [
        "`dae show NAME` prints it, every default spelt out.",
        "A recipe in `stacked/` is trained by `dae stack NAME`.",
    ]
    known = packaged_recipes()
    for folder in sorted({name.rpartition("/")[0] for name in known}):
        title = f"`{folder}/`" if folder else "To begin with"
        lines += ["", f"## {title}", "", "| recipe | what it is |", "|---|---|"]
        for name, path in ((name, path) for name, path in known.items() if name.rpartition("/")[0] == folder):
            lines.append(f"| `{name}` | {_require_documented(summary(path), f'The recipe {name}', 'first comment')} |")
    return "\n".join(lines) + "\n"


def experiment() -> str:
    """Every option of an experiment that is no plugin's own, from the model itself."""
    from daecore.experiment import Experiment

    parts = [
        "# An experiment",
        "A YAML file with these sections. What is left out has its default. `dae show NAME` prints a whole one.",
        _options("Sections", "", Experiment.model_fields),
    ]
    for name, field in Experiment.model_fields.items():
        for section in _models(field.annotation):
            parts.append(_options(f"`{name}`", f"{name}.", section.model_fields))
    parts.append("What a plugin can be told stands in [the catalogue](../catalogue.md).")
    return "\n\n".join(parts) + "\n"


def _models(annotation: Any) -> Iterator[Any]:
    """The option classes in a type, a plugin's spec left out."""
    from daecore import Options

    for kind in (annotation, *getattr(annotation, "__args__", ())):
        if inspect.isclass(kind) and issubclass(kind, Options):
            yield kind


def _options(title: str, path: str, fields: dict[str, Any]) -> str:
    rows = [f"## {title}", "", "| option | default | what it is |", "|---|---|---|"]
    for name, field in fields.items():
        said = _require_documented(field.description, f"{path}{name}", "description")
        rows.append(f"| `{path}{name}` | `{_default(field)}` | {said.replace('|', '/')} |")
    return "\n".join(rows)


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if hasattr(value, "kind"):
        return str(value.name)
    if isinstance(value, tuple):
        return f"[{', '.join(str(getattr(item, 'name', item)) for item in value)}]"
    return "see below" if hasattr(value, "model_fields") else str(value)


def _require_documented(said: str | None, what: str, where: str) -> str:
    if not said:
        raise ValueError(f"{what} is not described: it has no {where}.")
    return said
