"""A series of one small study that calls every stage a study can."""

from daecore import Series, hookimpl

SERIES = Series(name="faults", title="What faults meet", package=__name__, ids=("small",))


@hookimpl
def register_series() -> list[Series]:
    """The series; its recipe is the YAML file beside this one."""
    return [SERIES]
