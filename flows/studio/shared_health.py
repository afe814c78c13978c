"""Whether a shared store is in order: its database answers, its files can be reached, who holds what."""

from daecore.errors import DaecoreError

from ..store.shared.database import ask
from ..store.shared.location import SharedLocation
from .finding import Finding

OPEN = "SELECT count(*) FROM prefect.flow_run WHERE state_type IN ('RUNNING', 'PENDING', 'CANCELLING')"


def database(location: SharedLocation) -> Finding:
    """Whether PostgreSQL answers, and the files can be reached."""
    try:
        ((version, size),) = ask(
            location, "SELECT current_setting('server_version'), pg_database_size(current_database())"
        )
        location.objects.is_empty()
    except DaecoreError as error:
        return Finding("databases", False, str(error))
    said = f"PostgreSQL {version} at {location.shown} ({size / 1e6:.1f} MB); files at {location.artifacts}"
    return Finding("databases", True, said)


def open_flow_runs(location: SharedLocation) -> int:
    """How many flow runs Prefect calls running, pending or being cancelled, on whatever machine."""
    ((made,),) = ask(location, "SELECT to_regclass('prefect.flow_run') IS NOT NULL")
    return int(ask(location, OPEN)[0][0]) if made else 0
