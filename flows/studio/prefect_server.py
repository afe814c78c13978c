"""Prefect's server, in a studio or for one command, behind its guard.

Imported by the process that serves it; Prefect is imported where it is asked for.
"""

from ..guard.application import Guard
from ..guard.asgi import Application
from ..guard.head import Head
from ..guard.public_door import with_public_door
from ..store.locks import StoreLock
from ..store.owner import end_with_owner
from ..store.store import current_store
from . import one_writer
from .one_start import OneStart
from .patient import Patient
from .pull_steps import PullSteps

CLOSED = ("/docs", "/redoc", "/api/docs", "/api/redoc")  # they run a script that another server sends

PAGES = r"/(?!api/).*"
# A tab for each plugin: they go on in the next line, where the page lets them run out of the window.
STYLE = b"<style>.p-button-group{flex-wrap:wrap}</style>"


def guarded_application(*, ephemeral: bool = False) -> Application:
    """The server's application, for uvicorn.

    Args:
        ephemeral: For one command: no pages are served.
    """
    from prefect.server.api.server import create_app

    if not ephemeral:  # that one ends with its command
        end_with_owner()
    one_writer.rule()
    application = OneStart(create_app(ephemeral=ephemeral, final=True), _lock)
    pages = Head(PullSteps(Patient(application)), STYLE, PAGES)
    return with_public_door(lambda public: Guard(pages, closed=CLOSED, public=public))


def _lock() -> StoreLock:
    return current_store().lock_named("prefect-start")
