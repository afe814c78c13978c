"""The space a sweep looks through: ``path=VALUES`` entries, each a list of choices or a range of numbers.

Knows experiments as nested mappings. Knows no run, no search method and no store.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from daecore.errors import InputError, choices, in_a_line, quote
from daecore.experiment import yaml_text
from daecore.experiment.experiment import Experiment

from .dimensions import Choices, Dimension, Range

GRID_LIMIT = 1000  # points of a grid; more were hardly meant
LARGEST = 1e300  # a number that no option comes near; what lies beyond cannot be computed with
RANGE_KEYS = frozenset({"low", "high", "step", "log"})
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")  # a number to people, a text to YAML 1.1


Point = Mapping[str, Any]  # one value per path


def parse_space(entries: Sequence[str], base: Experiment) -> tuple[Dimension, ...]:
    """The dimensions that the entries name.

    Args:
        entries: As ``training.epochs=[1, 2]`` or ``training.learning_rate={low: 1.0e-4, high: 1.0e-2, log: true}``.
        base: The experiment that is varied; every path must exist in it.

    Raises:
        InputError: There is none, or one has another form, names a place that is not there, or meets another.
    """
    if not entries:
        raise InputError(
            "A sweep needs something to vary: give at least one path=VALUES, e.g. training.learning_rate=[1.0e-3, "
            "3.0e-3] or 'training.learning_rate={low: 1.0e-4, high: 1.0e-2, log: true}'."
        )
    found = tuple(_dimension(entry) for entry in entries)
    whole = base.model_dump(mode="json")
    for dimension in found:
        _require_path(dimension.path, whole)
    paths = [dimension.path for dimension in found]
    for number, path in enumerate(paths):
        met = [
            other
            for other in paths[:number]
            if f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}.")
        ]
        if met:
            raise InputError(
                f"The space names {path!r} and {met[0]!r}, of which one holds the other; keep one of them."
            )
    return found


def grid(space: Sequence[Dimension]) -> list[Point]:
    """Every combination; the last dimension varies fastest.

    Raises:
        InputError: A range has no step, or there are more than `GRID_LIMIT` points.
    """
    count = math.prod(dimension.count for dimension in space)
    if count > GRID_LIMIT:
        raise InputError(
            f"This grid has {count} points, more than {GRID_LIMIT}. List fewer values, or choose the method random or "
            "tpe with a number of trials."
        )
    paths, columns = [it.path for it in space], [it.values for it in space]
    return [dict(zip(paths, point, strict=True)) for point in product(*columns)]


def change(base: Experiment, point: Point) -> dict[str, Any]:
    """The base experiment as a mapping, with a point's values in their places."""
    whole: dict[str, Any] = base.model_dump(mode="json")
    for path, value in point.items():
        *way, last = path.split(".")
        part: Any = whole
        for step in way:
            part = part[int(step) if isinstance(part, list) else step]
        part[int(last) if isinstance(part, list) else last] = value
    return whole


def labels(paths: Sequence[str]) -> dict[str, str]:
    """A short name for each path: its last two parts where they are unique, as ``erasure.p``, else the whole."""
    short = {path: ".".join(path.split(".")[-2:]) for path in paths}
    return {path: name if list(short.values()).count(name) == 1 else path for path, name in short.items()}


def _dimension(entry: str) -> Dimension:
    path, equals, text = entry.partition("=")
    path = path.strip()
    if not equals or not path:
        raise InputError(f"An entry of the space is path=VALUES, e.g. training.epochs=[1, 2], but got {quote(entry)}.")
    what = f"The space's {in_a_line(path)}"
    value = yaml_text.load(text, f"{what}: {quote(text)}")
    if isinstance(value, list):
        return Choices(path, _choices(what, value))
    if isinstance(value, dict) and {"low", "high"} <= set(value) <= RANGE_KEYS:
        return Range(path, *_range(what, value))
    raise InputError(
        f"{what} must be a list of values, as [0.3, 0.5], or a range, as {{low: 0.1, high: 0.9}} with step or log if "
        f"wished, but got {quote(value)}."
    )


def _choices(what: str, values: list[Any]) -> tuple[Any, ...]:
    found = tuple(_number(value) for value in values)
    if not found:
        raise InputError(f"{what} is an empty list; give at least one value.")
    if len(found) > GRID_LIMIT:
        raise InputError(f"{what} lists {len(found):,} values, and at most {GRID_LIMIT:,} are read. Give a range.")
    if any(value in found[:number] for number, value in enumerate(found)):
        raise InputError(f"{what} lists a value twice: {quote(values)}.")
    return found


def _range(what: str, value: dict[str, Any]) -> tuple[float, float, float | None, bool]:
    """Its two ends, its step and whether it is logarithmic."""
    value = {key: _number(item) for key, item in value.items()}
    low, high, step, log = value["low"], value["high"], value.get("step"), value.get("log", False)
    wrong = [item for item in (low, high, *([] if step is None else [step])) if not _is_number(item)]
    if wrong or not isinstance(log, bool):
        raise InputError(f"{what} is a range of numbers, with log true or false, but got {quote(value)}.")
    if low >= high or (step is not None and step <= 0) or (log and (low <= 0 or step is not None)):
        raise InputError(
            f"{what} got {quote(value)}: low must be less than high, a step more than 0, and a logarithmic range "
            "starts above 0 and has no step."
        )
    return low, high, step, log


def _number(value: Any) -> Any:
    """``1e-3``, which YAML 1.1 takes for a text, as the number it is."""
    return float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def _require_path(path: str, whole: Any) -> None:
    """Refuse a path that the experiment does not have; the message says what it has there."""
    part, before = whole, ""
    for step in path.split("."):
        known = dict(_parts(part))
        if step not in known:
            where = before or "it"
            there = (
                f"{where} has no {quote(step)}. {choices(step, known)}"
                if known
                else f"{where} is {quote(part)} and has no parts."
            )
            raise InputError(
                f"The space names {quote(path)}, which this experiment does not have: {there} "
                "`dae show` prints every place of a recipe."
            )
        part, before = known[step], f"{before}.{step}".strip(".")


def _parts(part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, dict):
        yield from part.items()
    elif isinstance(part, list):
        yield from ((str(index), item) for index, item in enumerate(part))
