"""The recipes: complete experiments as YAML, one file each, found by name.

Knows files only; what they hold is read by `daecore.experiment.experiment`.
"""

from pathlib import Path
from typing import Any

from .layout import require_report_layout
from .store import current_store

LONGEST = 1000  # characters of a first line
FOLDER = Path(__file__).parents[1] / "recipes"


def recipes() -> dict[str, Path]:
    """The recipes by name: those that come with the laboratory, installed series', and the user's own in the store.

    One in a folder carries the folder's name, as one of a series carries the series': ``stacked/digits``.
    """
    return {**_inside(_own()), **packaged_recipes()}


def packaged_recipes() -> dict[str, Path]:
    """Those that are nobody's own, by name."""
    found = {**_inside(FOLDER), **of_series()}
    return dict(sorted(found.items(), key=lambda item: ("/" in item[0], f"{item[0]}.yaml")))


def of_series() -> dict[str, Path]:
    """The recipes that installed series bring, by name; what is wrong with a series, `dae studies` says."""
    from daecore.plugin.registry import series_registry
    from daecore.plugin.series import Series

    series = [item.extension for item in series_registry().extensions.values()]
    return {name: path for each in series if isinstance(each, Series) for name, path in each.recipes().items()}


def _own() -> Path:
    return current_store().root / "recipes"


def _inside(folder: Path) -> dict[str, Path]:
    found = (*sorted(folder.glob("*.yaml")), *sorted(folder.glob("*/*.yaml")))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in found}


def summary(path: Path) -> str:
    """The one line about a recipe: its first comment."""
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline(LONGEST)
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def find(name: str) -> Path:
    """The file of a recipe, or the user's own file.

    Args:
        name: A recipe's name, or the path of a YAML file or of a run's report.json.

    Raises:
        InputError: There is neither, or there are two of the name.
    """
    from daecore.errors import InputError, choices, quote

    known = recipes()
    if name in known:
        other = {**_inside(_own()), **_inside(FOLDER)}.get(name, known[name])
        if other != known[name]:
            raise InputError(f"There are two recipes called {quote(name)}: {other} and {known[name]}. Rename one.")
        return known[name]
    path = Path(name)
    if path.suffix in (".yaml", ".yml", ".json"):
        return path
    raise InputError(
        f"There is no recipe called {quote(name)}, and a file must end in .yaml. {choices(name, known, 'dae recipes')}"
    )


def mapping(name: str, changes: list[str]) -> dict[str, Any]:
    """What a recipe or file says, with changes of the form ``training.epochs=3``.

    Raises:
        InputError: It cannot be found or read, or a change has another form.
    """
    from daecore.experiment.experiment import override, read

    found = read(find(name))
    if _is_report(found):
        require_report_layout(found, name)
        found = found["experiment"]
    return override(found, changes)


def plugins(name: str) -> dict[str, str]:
    """The plugins that a report says its run used; none for recipes and experiments.

    Raises:
        InputError: It cannot be found or read.
    """
    from daecore.experiment.experiment import read

    found = read(find(name))
    if not _is_report(found):
        return {}
    require_report_layout(found, name)
    return dict(found["plugins"])


def _is_report(found: dict[str, Any]) -> bool:
    """Whether a file is what ``dae run --report`` wrote, or a run's ``report.json``."""
    return isinstance(found.get("experiment"), dict) and isinstance(found.get("plugins"), dict)
