"""The options of a function that somebody has written: what it takes beside what it is given, checked.

Knows functions and pydantic. Does not know what the function is for.
"""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError, create_model

from daecore.errors import PluginError, in_a_line, quote
from daecore.plugin.definitions import HERE
from daecore.plugin.extension import NAME, Kind
from daecore.plugin.options import Options

BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def own_options(written: Callable[..., Any], kind: Kind, given: tuple[str, str]) -> type[Options]:
    """The options that follow from what a function takes beside what it is given.

    Raises:
        PluginError: It does not take that, or something without a type and a default.
    """
    name = getattr(written, "__name__", "")
    who = f"The {kind} {quote(name)}"
    if not callable(written) or not NAME.fullmatch(name):
        raise PluginError(f"{who} is no function or class with a name. Define one with def or class.", name)
    try:
        taken = inspect.signature(written, eval_str=True).parameters
    except Exception as error:  # of a builtin, or of annotations that are text
        raise PluginError(f"{who} does not say what it takes: {in_a_line(str(error)).rstrip('.')}.", name) from None
    if hidden := [one for one in taken if one.startswith("_")]:
        raise PluginError(f"{who} takes {hidden[0]}, and an option's name begins with a letter.", name)
    if missing := [one for one in given if one not in taken or taken[one].kind not in BY_NAME]:
        raise PluginError(f"{who} must take {' and '.join(given)}, by name; it lacks {' and '.join(missing)}.", name)
    fields: dict[str, Any] = {}
    for parameter in taken.values():
        if parameter.name in given:
            continue
        if parameter.kind not in BY_NAME or parameter.empty in (parameter.annotation, parameter.default):
            raise PluginError(
                f"{who} takes {' and '.join(given)}, and else options, each with a type and a default, as "
                f"width: int = 8; {parameter.name} has none.",
                name,
            )
        fields[parameter.name] = (parameter.annotation, parameter.default)
    return _checked(written, who, fields)


def _checked(written: Callable[..., Any], who: str, fields: dict[str, Any]) -> type[Options]:
    """The class of these options, with defaults that are of their types and can be written.

    Raises:
        PluginError: They cannot be.
    """
    from daecore.plugin.spec import explain

    about = (inspect.getdoc(written) or f"Defined in {HERE}.").split("\n")[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a name that is a method's
            options = create_model(written.__name__, __base__=Options, __doc__=about, **fields)
            made = options()
            options.model_validate(dict(made))
            made.model_dump_json()
    except Exception as error:
        said = explain(error, "options") if isinstance(error, ValidationError) else in_a_line(str(error))
        raise PluginError(
            f"{who} has options that users could not write: {said.rstrip('.')}.", written.__name__
        ) from None
    return options
