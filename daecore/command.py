"""The command `dae` as far as the library has it: the laboratory's, where that is installed; else how to get it.

The laboratory registers itself under an entry point, so that nothing here names it. Needs no dependency.
"""

import sys

from daecore import laboratory


def main() -> int:
    """Run one command of the laboratory.

    Returns:
        The exit status: that of the command; 2 where the laboratory or a part of it is not installed.
    """
    try:
        command = laboratory.ask("command")
    except ImportError as error:
        print(f"dae: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # nothing has begun
        return 130
    status: int = command()
    return status
