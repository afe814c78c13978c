"""The doctor: every check of a store, its databases, its runs and the installation.

Each check is a function that looks, and says what it found; those that can mend carry what to do.
"""

from collections.abc import Iterator

from ..store.migrations import pending
from ..store.store import Store
from . import installation, processes, store_health, store_version
from .finding import Finding

CHECKS = (  # in the order in which mending makes sense
    installation.versions,
    store_health.room,
    store_health.privacy,
    processes.studio,
    processes.strays,
    store_version.version,
    store_health.databases,
    store_health.check_moved,
    installation.plugins,
    installation.recipes,
    store_health.locks,
    store_health.checkpoints,
    installation.device,
    store_health.runs,
    store_health.untold,
)


def examine(store: Store) -> Iterator[Finding]:
    """Every check's finding; only the layout's if that is older and was not mended.

    Raises:
        StoreError: The store cannot be entered.
    """
    if steps := pending(store):
        yield store_version.older_layout(store, steps)
        if pending(store):
            return
    store.enter()
    for check in CHECKS:
        yield check(store)
