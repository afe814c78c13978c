"""YAML as users write it: version 1.2, where ``010`` is 10 and ``yes`` and ``1:30`` are words; a key twice is refused.

Knows text and plain values. Does not know what they are for.
"""

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from daecore.errors import InputError, one_line

MOST_CHARACTERS, MOST_VALUES = 1_000_000, 100_000  # an experiment has some hundred of either
WIDTH = 100
MARKS = ("'", '"', "|", ">", "&", "*", "!", "@", "`", "%")  # begin what is no plain text


def load(text: str, what: str) -> Any:
    """The value a text stands for.

    Args:
        text: YAML; JSON is a part of it.
        what: What is read, for the message.

    Raises:
        InputError: It is not YAML, names a key twice, or stands for more than anybody writes.
    """
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"{what} has {len(text):,} characters, and at most {MOST_CHARACTERS:,} are read.")
    try:
        value = _reader().load(text)
        values = _count(value, {})
    except YAMLError as error:
        raise InputError(f"{what} is not YAML: {one_line(str(error))[:300]}.") from None
    except (RecursionError, ValueError) as error:
        raise InputError(f"{what} is not YAML: {_plainly(error)}.") from None
    if values > MOST_VALUES:
        raise InputError(f"{what} stands for {values:.3g} values, as its aliases repeat each other; write them out.")
    return value


def load_value(text: str, what: str) -> Any:
    """The value of one option; plain text stays as it stands, with ``#`` and all spaces in it.

    Args:
        text: What stands to the right of ``option=``.
        what: What is read, for the message.

    Raises:
        InputError: As `load`.
    """
    value = load(text, what) if not text.lstrip().startswith("#") else text
    return text if isinstance(value, str) and not text.lstrip().startswith(MARKS) else value


def dump(value: Any) -> str:
    """A value as text that `load` reads as the same value; keys in their order, leaves on one line."""
    stream = io.StringIO()
    _reader().dump(value, stream)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def _reader() -> Any:
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output, yaml.width = None, False, WIDTH
    return yaml


def _plainly(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())[:300]


def _count(value: Any, known: dict[int, int]) -> int:
    """How many values it is, each as often as it is repeated; what contains itself is infinite."""
    if not isinstance(value, dict | list | set):
        return 1
    if id(value) not in known:
        known[id(value)] = MOST_VALUES + 1  # met again inside itself
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(item, known) for item in inner)
    return known[id(value)]
