"""A new plugin's package: files from templates, made whole or not at all."""

import keyword
import re
import shutil
import tempfile
from pathlib import Path
from string import Template

from daecore.errors import InputError
from daecore.plugin.extension import Kind
from daecore.plugin.registry import registry

TEMPLATES = Path(__file__).parent / "templates"


def create(name: str, kind: Kind, folder: Path) -> Path:
    """Make the package's folder ``dae-NAME``.

    Args:
        name: What users will write in an experiment.
        kind: What the plugin ships.
        folder: Where the package's folder is made.

    Raises:
        InputError: The name cannot be used, or the folder is there already.
    """
    _check(name, kind)
    target = folder / f"dae-{name.replace('_', '-')}"
    if target.exists():
        raise InputError(f"{target} is there already, and nothing was changed. Choose another name, or --in DIR.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            made = Path(temporary) / target.name
            for path, text in files(name, kind).items():
                (made / path).parent.mkdir(parents=True, exist_ok=True)
                (made / path).write_text(text, encoding="utf-8")
            shutil.move(made, target)
    except OSError as error:
        raise InputError(f"{target} cannot be made: {error.strerror}. Choose another folder with --in DIR.") from None
    return target


def files(name: str, kind: Kind) -> dict[str, str]:
    """The package's files: relative path to text."""
    module, distribution = f"dae_{name}", f"dae-{name.replace('_', '-')}"
    words = {
        "name": name, "kind": kind, "module": module, "distribution": distribution,
        "Name": name.replace("_", " ").capitalize(), "Class": "".join(part.capitalize() for part in name.split("_")),
    }  # fmt: skip
    made = {f"tests/test_{module}.py": "test.py"}
    if kind == "series":  # a package, for its recipes lie beside its studies
        made |= {"pyproject.toml": "series_pyproject.toml", "README.md": "series_README.md"}
        made |= {f"{module}/__init__.py": "series.py", f"{module}/strengths.py": "series_study.py"}
        made |= {f"{module}/digits.yaml": "series_recipe.yaml"}
    else:
        made |= {"pyproject.toml": "pyproject.toml", "README.md": "README.md", f"{module}.py": f"{kind}.py"}
    return {
        path: Template((TEMPLATES / f"{name}.txt").read_text("utf-8")).substitute(words) for path, name in made.items()
    }


def _check(name: str, kind: Kind) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise InputError(
            f"{name!r} cannot name a plugin: it is written in experiments and in Python. Use small letters, digits and "
            "underscores, beginning with a letter, such as fog or film_grain."
        )
    if (kind, name) in registry().extensions:
        origin = registry().find(kind, name).provenance
        raise InputError(f"There is a {kind} called {name!r} already, from {origin.distribution}. Choose another name.")
