"""Whether a shared store is in order: its database answers, its files can be reached, who holds what."""

from daecore.errors import DaecoreError

from ..store.shared.advisory_lock import held_locks
from ..store.shared.database import ask
from ..store.shared.place import SharedPlace
from .finding import Finding

OPEN = "SELECT count(*) FROM prefect.flow_run WHERE state_type IN ('RUNNING', 'PENDING', 'CANCELLING')"


def database(place: SharedPlace) -> Finding:
    """Whether PostgreSQL answers, and the files can be reached."""
    try:
        ((version, size),) = ask(
            place, "SELECT current_setting('server_version'), pg_database_size(current_database())"
        )
        place.objects.find("layout")
    except DaecoreError as error:
        return Finding("databases", False, str(error))
    said = f"PostgreSQL {version} at {place.shown} ({size / 1e6:.1f} MB); files at {place.artifacts}"
    return Finding("databases", True, said)


def locks(place: SharedPlace) -> list[str]:
    """The names of those that are held, on whatever machine."""
    return held_locks(place)


def open_flow_runs(place: SharedPlace) -> int:
    """How many flow runs Prefect calls running, pending or being cancelled, on whatever machine."""
    ((made,),) = ask(place, "SELECT to_regclass('prefect.flow_run') IS NOT NULL")
    return int(ask(place, OPEN)[0][0]) if made else 0
