"""The laboratory as far as the library knows it: what it does under a name, where it is installed.

It registers itself under entry points, so that nothing here names it. Needs no dependency.
"""

from collections.abc import Callable
from typing import Any

from daecore.entry_points import find_points

GROUP = "daecore.laboratory"


def ask(name: str, what: str = "") -> Callable[..., Any]:
    """What the laboratory does under a name.

    Args:
        name: It.
        what: What is wanted of it, for the message.

    Raises:
        ImportError: The laboratory, or a part of it, is not installed; the message says how to get it.
    """
    points = [point for point in find_points(GROUP).points if point.name == name]
    try:
        found: Callable[..., Any] = points[0].load()
    except (ImportError, IndexError) as error:
        known = isinstance(error, ImportError)
        said = str(error) if known else "Install daecore again, whole: pip install 'daecore[lab]'."
        raise ImportError(f"For {what}: {said}" if what else said) from None
    return found
