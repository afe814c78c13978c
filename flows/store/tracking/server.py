"""MLflow's server, as the studio starts it: behind its guard.

`mlflow server --app-name daecore` finds it by the entry point in pyproject.toml.
"""

from ...guard.application import Guard
from ...guard.asgi import Application, Receive, Scope, Send
from ...guard.head import Head
from ...guard.public_door import with_public_door
from ..owner import end_with_owner
from ..temporary_files import keep_to_own_folder, let_go_of_folder

UPLOADS = (  # files and traces have types of their own
    "/api/2.0/mlflow-artifacts/artifacts/",
    "/ajax-api/2.0/mlflow-artifacts/artifacts/",
    "/ajax-api/2.0/mlflow/upload-artifact",
    "/v1/traces",
)
CLOSED = ("/ajax-api/3.0/mlflow/assistant",)  # an assistant that runs shell commands; ours needs none

# The assistant is closed: its panel, which the page opens when it is first seen, and the button that would open it.
NO_ASSISTANT = (
    b"<script>localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1','true')</script>"
    b"<style>[data-assistant-ui]{display:none!important}</style>"
)


def guarded_application() -> Application:
    """The server's application, for uvicorn."""
    end_with_owner()
    keep_to_own_folder()
    from mlflow.server.fastapi_app import app

    from .runs_table import RunsTable

    pages = Head(RunsTable(_tidy(app)), NO_ASSISTANT, "/")
    return with_public_door(lambda public: Guard(pages, UPLOADS, CLOSED, public=public))


def _tidy(application: Application) -> Application:
    """The application, which leaves no temporary files: a server ends by the signal it was sent, without `atexit`."""

    async def tidy(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await application(scope, receive, send)
        finally:
            if scope["type"] == "lifespan":
                let_go_of_folder()

    return tidy
