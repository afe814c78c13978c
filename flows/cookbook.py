"""The recipes: complete experiments as YAML, one file each, found by name.

Knows files only; what they hold is read by `daecore.experiment`.
"""

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recipes"


def recipes() -> dict[str, Path]:
    """The recipes that come with the project, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def summary(path: Path) -> str:
    """The one line about a recipe: its first comment."""
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def find(name: str) -> Path:
    """The file of a recipe, or the user's own file.

    Args:
        name: A recipe's name, or the path of a YAML file.

    Raises:
        InputError: There is neither.
    """
    from daecore.errors import InputError, choices

    known = recipes()
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in (".yaml", ".yml", ".json"):
        return path
    raise InputError(f"There is no recipe called {name!r}, and a file must end in .yaml. {choices(name, known)}")


def mapping(name: str, changes: list[str]) -> dict[str, Any]:
    """What a recipe or file says, with changes of the form ``training.epochs=3``.

    Raises:
        InputError: It cannot be found or read, or a change has another form.
    """
    from daecore.experiment import override, read

    return override(read(find(name)), changes)
