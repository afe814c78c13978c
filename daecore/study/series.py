"""The studies of an installed series: found by name, each loaded only when it is asked for.

Knows the registry and where a series says that its studies lie. Runs none.
"""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from daecore.errors import InputError
from daecore.plugin.registry import series_registry
from daecore.plugin.series import Series
from daecore.study.study import Study, Table


def find_study(series: Series, name: str) -> Study:
    """The study of this id; only its own module is loaded.

    Raises:
        InputError: Its module cannot be loaded, or holds no study of this id.
    """
    series.select([name])
    module = _load(series, series.module_of(name))
    found = getattr(module, "STUDIES", {}).get(name) if series.module else getattr(module, "STUDY", None)
    wanted = f"STUDIES[{name!r}]" if series.module else "STUDY"
    if not isinstance(found, Study):
        raise InputError(f"{who(series)} names the study {name!r}, but {module.__name__} has no {wanted}, a Study.")
    if found.id != name:
        raise InputError(
            f"{who(series)} names the study {name!r}, but {wanted} of {module.__name__} calls itself {found.id!r}."
        )
    return found


def overview_tables(series: Series, experiments: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    """What a series says of all its studies together.

    Args:
        series: The series.
        experiments: A report's ``experiments``: by study, its ``figures``.
    """
    if not series.overview:
        return []
    module = _load(series, f"{series.package}.{series.overview}")
    return [module.overview(experiments)]


def who(series: Series) -> str:
    """A series with the distribution it comes from, to begin a sentence with."""
    item = series_registry().extensions.get(("series", series.name))
    origin = f" ({item.provenance.distribution} {item.provenance.version})" if item is not None else ""
    return f"The series {series.name!r}{origin}"


def _load(series: Series, name: str) -> ModuleType:
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{who(series)} cannot be used: its module {name} does not load. {said}") from error
