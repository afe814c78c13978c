"""Messages on the console: ours at levels of their own; Prefect's, whether they are shown, and how they are taken away.

Prefect's stay in its database all the same. Knows logging, and Prefect by the name of its handler.
"""

import logging
from collections.abc import Iterator

HANDLER = "PrefectConsoleHandler"
OURS, PROGRESS = "daecore", "daecore.progress"


def give_levels() -> None:
    """Let our warnings and our progress be heard: Prefect gives them no level, libraries raise the root's."""
    logging.getLogger(OURS).setLevel(logging.WARNING)
    logging.getLogger(PROGRESS).setLevel(logging.INFO)


def loud() -> bool:
    """Whether Prefect prints what it logs."""
    return any(True for _ in _handlers())


def silence() -> None:
    """Take Prefect's console handlers away, so that only our own messages are shown."""
    for logger, handler in list(_handlers()):
        logger.removeHandler(handler)
    logging.getLogger("prefect").propagate = False  # libraries put handlers on the root, some long after this


def _handlers() -> Iterator[tuple[logging.Logger, logging.Handler]]:
    for name in [None, *list(logging.Logger.manager.loggerDict)]:
        logger = logging.getLogger(name)
        yield from ((logger, handler) for handler in list(logger.handlers) if type(handler).__name__ == HANDLER)
