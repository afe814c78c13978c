"""Dusk: how much can be told of digits when light fails."""

from daecore import Series, hookimpl

SERIES = Series(
    name="dusk",
    title="Digits at dusk",
    package=__name__,
    ids=("strengths",),
)


@hookimpl
def register_series() -> list[Series]:
    """Ship the series; its recipes are the YAML files beside this one."""
    return [SERIES]
