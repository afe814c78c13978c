"""A process that looks at MLflow's database before a studio comes up: only an MLflow can tell whether it is another's.

``python -P -m daecore_flows.studio.schema_check``; its last line says what is wrong.
"""

import sys

from ..store.store import current_store


def main() -> int:
    """Look; the exit status."""
    from daecore.errors import DaecoreError

    from ..store import tracking

    try:
        tracking.prepare(current_store())
    except DaecoreError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
