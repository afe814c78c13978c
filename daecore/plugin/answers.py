"""What a plugin's hook gives, looked through: a list of extensions of its kind that users can name.

Knows the kinds and their hooks. Does not know who asked, nor what else is installed.
"""

import inspect

from daecore.errors import PluginError, quote
from daecore.plugin import hookspecs
from daecore.plugin.extension import Extension, Kind
from daecore.plugin.kinds import KINDS
from daecore.plugin.options import Options
from daecore.plugin.series import Series


def check_answer(returned: object, kind: Kind) -> list[Extension]:
    """The hook's answer, if it is one: a list of extensions of its kind, each with a default for every option.

    Args:
        returned: What the hook gave.
        kind: Which kind of extension it is asked for.

    Raises:
        PluginError: It is something else.
    """
    hook, wanted = hookspecs.HOOKS[kind], KINDS[kind].__name__
    if not isinstance(returned, list):
        raise PluginError(
            f"{hook} must return a list of {wanted}, but returned {quote(returned)}. Return [{wanted}(...)]."
        )
    for item in returned:
        if not isinstance(item, KINDS[kind]):
            raise _stray(item, hook, wanted)
        if isinstance(item, Series):
            item.recipes()  # whether its package is there, and each of its recipes has a name of its own
        if not (inspect.isclass(item.options) and issubclass(item.options, Options)):
            raise PluginError(
                f"The options of the {kind} {item.name!r} must be a subclass of daecore.Options, got "
                f"{quote(item.options)}. Give the class itself: options=MyOptions.",
                item.name,
            )
        needed = [name for name, field in item.options.model_fields.items() if field.is_required()]
        if needed:
            raise PluginError(
                f"Every option of the {kind} {item.name!r} needs a default, but {', '.join(needed)} has none. Write "
                f"`{needed[0]}: ... = Field(default=...)`.",
                item.name,
            )
    return returned


def _stray(item: object, hook: str, wanted: str) -> PluginError:
    """The error about something in a hook's list that does not belong there."""
    if isinstance(item, Extension):
        return PluginError(
            f"{hook} must return a list of {wanted}, but the {type(item).__name__} {item.name!r} is in it. Return that "
            f"from {hookspecs.HOOKS[item.kind]}, or make it a {wanted}.",
            item.name,
        )
    return PluginError(f"{hook} must return a list of {wanted}, but {quote(item)} is in it. Return [{wanted}(...)].")
