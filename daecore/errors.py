"""Every error daecore raises on purpose, as one small tree.

::

    DaecoreError
    ├── InputError            what the user wrote cannot be run: nothing was started (exit status 2)
    │   ├── UnknownExtension  a name nobody has installed, or whose plugin is broken
    │   └── SamplesError      what is to be samples has another type, shape or range
    ├── PluginError           what a plugin ships is put together wrongly: its author's affair
    ├── DataError             a dataset's files are missing, altered or unreadable
    ├── StoreError            the store cannot be written, or what lies in it is not what was put there
    │   └── CheckpointError   a checkpoint is damaged or belongs to another model
    └── NonFiniteError        a loss or an image is NaN or infinite

A message is one paragraph: who complains, what was expected, what came, what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from traceback import walk_tb

from daecore.addresses import without_password

NOT_PLUGINS = ("daecore", "daecore_flows", "torch", "numpy", "prefect", "pydantic", "pydantic_core")
PARAGRAPH = 1000  # characters of what somebody else says
LINE = 120  # characters of what came that a message repeats
NEAREST, FEW = 3, 12  # names a message proposes; that it lists


class DaecoreError(Exception):
    """The root: catching it catches everything daecore raises on purpose. No message of it has a password in it."""

    def __init__(self, *said: object) -> None:
        super().__init__(*(without_password(it) if isinstance(it, str) else it for it in said))


class InputError(DaecoreError):
    """What the user wrote cannot be run; nothing was started."""


class UnknownExtension(InputError):
    """A name that no installed plugin carries, or whose plugin could not be loaded."""


class SamplesError(InputError):
    """What is to be samples is none: another type, shape or range, or labels that do not fit."""


class PluginError(DaecoreError):
    """What a plugin ships is put together wrongly.

    Attributes:
        name: What the extension would have been called; empty where that is not known.
    """

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class DataError(DaecoreError):
    """A dataset's files are missing, altered or unreadable."""


class StoreError(DaecoreError):
    """The store cannot be used, or an artifact in it is not what was put there."""


class CheckpointError(StoreError):
    """A checkpoint is damaged, or belongs to another model."""


class NonFiniteError(DaecoreError):
    """A number that must be finite is NaN or infinite."""


def quote(value: object) -> str:
    """What came, for a message: a line of it at most."""
    return _cut(without_password(repr(value)))


def in_a_line(text: str) -> str:
    """What somebody else says, for a message: a line of it at most, and nothing that a terminal would obey."""
    return _cut(one_line(text))


def one_line(text: str) -> str:
    """What somebody else says, whole, on one line, with nothing that a terminal would obey."""
    line = " ".join(without_password(text).split())
    return "".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in line)


def _cut(text: str) -> str:
    return text if len(text) <= LINE else f"{text[:LINE]} ... ({len(text):,} characters)"


def describe_error(error: BaseException) -> str:
    """What an error says, in a line; of one that is not ours its type, too, and where in a plugin it was raised."""
    text = one_line(str(error))[:PARAGRAPH]
    if isinstance(error, DaecoreError):
        return text
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    theirs = [frame for frame in frames if frame.f_globals.get("__name__", "").split(".")[0] not in NOT_PLUGINS]
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if not frames:
        return said
    last = (theirs or frames)[-1]
    return f"{said} ({Path(last.f_code.co_filename).name}, line {last.f_lineno})"


def choices(name: str, known: Iterable[str], listed_by: str = "") -> str:
    """The tail of a message about an unknown name: the nearest few, then what could be meant, or what lists it.

    Args:
        name: What came.
        known: What could be meant.
        listed_by: The command that lists it; where there is one, a message does not list more than a few.
    """
    names = sorted(set(known))
    nearest = get_close_matches(name, names, n=NEAREST, cutoff=0.5)
    nearest += [other for other in names if name and name in other and other not in nearest]
    hint = f"Did you mean {' or '.join(map(repr, nearest[:NEAREST]))}? " if nearest else ""
    if listed_by and len(names) > FEW:
        return f"{hint}`{listed_by}` lists what there is."
    return f"{hint}Known: {', '.join(names) or 'none'}."
