"""Every stage: whoever depends on the code of all is told of all."""

import pkgutil
from importlib import import_module
from typing import get_type_hints

import daecore_flows.stages
from daecore_flows.stages.every import STAGES
from daecore_flows.stages.stage import Stage

from daecore.record import Record


def test_no_stage_is_left_out() -> None:
    """A study's key and a sweep's stamp follow the code of each: one that is missing would be changed unseen."""
    names = [module.name for module in pkgutil.iter_modules(daecore_flows.stages.__path__)]
    modules = [import_module(f"daecore_flows.stages.{name}") for name in names]
    there = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Stage)}
    assert {stage.__name__ for stage in STAGES} == {stage.__name__ for stage in there.values()}


def test_every_stage_gives_a_record() -> None:
    """A cached result is read as one of our records, or not at all: anything else would be computed each time."""
    for stage in STAGES:
        assert issubclass(get_type_hints(stage.fn)["return"], Record), stage.name
