"""Another process, started afresh: what works there does not live on what this one happens to hold."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pickle import PicklingError
from typing import Any

from daecore.plugin.registry import registry
from daecore.testing.contract import Violation


def in_another_process(function: Callable[..., Any], *values: Any) -> Any:
    """The result of ``function(*values)`` in a spawned process, which is kept for the next call.

    Raises:
        Violation: Something cannot be sent there.
    """
    try:
        return _ask(function, *values)
    except (PicklingError, AttributeError, TypeError, ImportError, BrokenProcessPool) as error:
        raise Violation(
            "a function and options that another process can import",
            f"{type(error).__name__}: {error}",
            "Define them at the top of an installed module, not inside a function.",
        ) from None


def _ask(function: Callable[..., Any], *values: Any) -> Any:
    """Ask the process; one that began before the function's module was there dies of it, and a new one is asked."""
    try:
        return _ask_once(function, *values)
    except BrokenProcessPool:
        return _ask_once(function, *values)


def _ask_once(function: Callable[..., Any], *values: Any) -> Any:
    try:
        return _process().submit(function, *values).result()
    except BrokenProcessPool:
        _process.cache_clear()
        raise


@cache
def _process() -> ProcessPoolExecutor:
    # The registry is loaded there first, so that plugins given as single files can be found by their modules.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=registry)
