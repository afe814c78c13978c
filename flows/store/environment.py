"""The environment in which Prefect and MLflow keep to a store and do not call home.

Knows what their variables are called. Imports neither: both read their settings when they are imported.
"""

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from .shared import ARTIFACTS, DATABASE
from .studio_record import running

if TYPE_CHECKING:
    from .shared.location import SharedLocation
    from .store import Store

STORE, DATA = "DAE_STORE", "DAE_DATA"
ELSEWHERE = "DAE_MLFLOW_URI"  # in the environment: MLflow's address, where it is not the store's
ENTERED = "DAE_ENTERED"  # in the environment: the store that this process, or the one that began it, has entered
COMPILED = Path("~/.cache/daecore/compiled")  # code: by itself torch keeps it where another user may have been before


def environment(store: "Store") -> dict[str, str]:
    """The variables under which Prefect and MLflow keep to this store.

    While a studio is up on the store, its servers are the ones to talk to.
    """
    studio = running(store.root)
    pages = {"PREFECT_API_URL": studio.api} if studio else {}
    tracking = studio.mlflow if studio else store.tracking_uri
    return (
        pages
        | _shared(store.shared)
        | {
            STORE: str(store.root),
            DATA: str(store.data),
            ENTERED: str(store.root),
            "PREFECT_HOME": str(store.prefect),
            "PREFECT_LOCAL_STORAGE_PATH": str(store.cached_results),
            "PREFECT_LOGGING_EXTRA_LOGGERS": "daecore",
            "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # what is said before a flow begins is printed
            "PREFECT_PROFILES_PATH": os.environ.get("PREFECT_PROFILES_PATH", os.devnull),  # none of the store's
            "PREFECT_LOGGING_CONFIG_PATH": _logging_configuration(),
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",  # ours has a guard: `temporary_server`
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "none",  # its page has its own origin
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "TORCHINDUCTOR_CACHE_DIR": os.environ.get("TORCHINDUCTOR_CACHE_DIR", str(COMPILED.expanduser())),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_LOGGING_LEVEL": "WARNING",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # our client asks again, and hears an interrupt between
            "MLFLOW_HTTP_REQUEST_TIMEOUT": os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"),
            "MLFLOW_TRACKING_URI": os.environ.get(ELSEWHERE, tracking),
        }
    )


def _shared(location: "SharedLocation | None") -> dict[str, str]:
    """Where a shared store lies, for Prefect's server and for whatever is begun from here."""
    if location is None:
        return {}
    return {
        DATABASE: location.database,
        ARTIFACTS: location.artifacts,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": location.prefect_url,
        "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_SEARCH_PATH": "prefect",
    }


def _logging_configuration() -> str:
    """What the user names, else Prefect's own; never a file of a store, which may be another person's."""
    named = os.environ.get("PREFECT_LOGGING_CONFIG_PATH") or os.environ.get("PREFECT_LOGGING_SETTINGS_PATH")
    prefect = importlib.util.find_spec("prefect")
    folder = prefect.submodule_search_locations if prefect else None
    return named or str(Path(folder[0] if folder else os.devnull, "logging", "logging.yml"))
