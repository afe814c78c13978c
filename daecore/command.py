"""The command `dae` as far as the library has it: the laboratory's, where that is installed; else how to get it.

The laboratory registers itself under an entry point, so that nothing here names it. Needs no dependency.
"""

import sys

from daecore.entry_points import find_points

GROUP, NAME = "daecore.laboratory", "command"


def main() -> int:
    """Run one command of the laboratory.

    Returns:
        The exit status: that of the command; 2 where the laboratory or a part of it is not installed.
    """
    try:
        found = [point.load() for point in find_points(GROUP).points if point.name == NAME]
    except ImportError as error:
        print(f"dae: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # nothing has begun
        return 130
    status: int = found[0]()
    return status
