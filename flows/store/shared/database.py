"""The database of a shared store: connections, its schemas, and what it says of itself.

Knows PostgreSQL through psycopg2, which is loaded when it is needed. MLflow and Prefect make their own tables.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from daecore.errors import StoreError, in_a_line

from ..layout import LAYOUT
from .location import SharedLocation

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

CONNECT_SECONDS = 10
LOST_SECONDS = (30, 10, 3)  # a machine that has gone without a word: first question, next ones, how many
MAKING = 0x6461_6563_6F72_6500  # of all that make a store at once one makes it: the name as a number
NEW = f"""
    SELECT pg_advisory_xact_lock({MAKING});
    CREATE SCHEMA IF NOT EXISTS mlflow; CREATE SCHEMA IF NOT EXISTS prefect; CREATE SCHEMA IF NOT EXISTS daecore;
    CREATE TABLE IF NOT EXISTS daecore.store (
        only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), layout integer NOT NULL, artifacts text NOT NULL,
        id text NOT NULL
    );
    INSERT INTO daecore.store (layout, artifacts, id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING id;
"""
ID, LONGEST_ID = "store-id", 64  # an object among the files, and its bytes: they and the database belong together


def connect(location: SharedLocation, name: str) -> "Connection":
    """A connection, each statement a transaction of its own.

    Args:
        location: The store's.
        name: Under which the server lists it.

    Raises:
        StoreError: The database cannot be reached, or lets nobody in.
    """
    import psycopg2

    first, next_one, count = LOST_SECONDS
    gone = f"-c tcp_keepalives_idle={first} -c tcp_keepalives_interval={next_one} -c tcp_keepalives_count={count}"
    try:
        found = psycopg2.connect(
            location.database, application_name=name, connect_timeout=CONNECT_SECONDS, options=gone,
            keepalives_idle=first, keepalives_interval=next_one, keepalives_count=count,
        )  # fmt: skip
    except (psycopg2.Error, UnicodeError) as error:
        raise StoreError(
            f"The database {location.shown} of the shared store cannot be reached: {_in_a_line(error)}. Look at its "
            "address (--database, DAE_DATABASE), and whether it is up and lets this machine in; a password may stand "
            "in PGPASSWORD or ~/.pgpass."
        ) from None
    found.autocommit = True
    return found


@contextmanager
def speaking(location: SharedLocation) -> Iterator[None]:
    """What the database says within the block, in a paragraph.

    Raises:
        StoreError: It refuses something, or was lost.
    """
    import psycopg2

    try:
        yield
    except psycopg2.Error as error:
        raise StoreError(
            f"The database {location.shown} of the shared store says: {_in_a_line(error)}. Look whether it is up, and "
            "whether its user may create schemas and tables in it; then run the same again."
        ) from None


def ask(location: SharedLocation, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a query gives, on a connection of its own.

    Raises:
        StoreError: It cannot be reached, or refuses.
    """
    with closing(connect(location, "daecore")) as connection, speaking(location), connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def require_store(location: SharedLocation) -> None:
    """Make a new database a store, or see that it is this one, and that its files are these.

    Raises:
        StoreError: It cannot be reached, has another layout, or its files lie elsewhere.
        DataError: Its files cannot be reached.
    """
    with closing(connect(location, "daecore")) as connection, speaking(location), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('daecore.store')")
        if cursor.fetchone() == (None,):
            with _transaction(connection):
                cursor.execute(NEW, (LAYOUT, location.artifacts, uuid4().hex))
                if made := cursor.fetchone():
                    _mark_files(location, made[0])
        cursor.execute("SELECT layout, artifacts, id FROM daecore.store")
        layout, artifacts, identity = cursor.fetchone() or (0, "", "")
    if layout != LAYOUT:
        which = "an older" if layout < LAYOUT else "a newer"
        raise StoreError(
            f"The shared store {location.shown} was made by {which} version of daecore: its layout is {layout}, and "
            f"this version reads {LAYOUT}. Nothing in it was changed. Use the version that made it, or another "
            "database."
        )
    if artifacts != location.artifacts:
        raise StoreError(
            f"The files of the shared store {location.shown} lie in {in_a_line(artifacts)}, and --artifacts "
            f"(DAE_ARTIFACTS) names {location.artifacts}. Name the same, or another database for another store."
        )
    if location.objects.get(ID, LONGEST_ID) != identity.encode():
        raise StoreError(
            f"What lies in {location.artifacts} are not the files of the shared store {location.shown}. Look whether "
            "the folder is mounted, or whether the address of the S3 server (AWS_ENDPOINT_URL) is the right one."
        )


def _mark_files(location: SharedLocation, identity: str) -> None:
    """Let the files say to which database they belong; nothing that is there becomes another one's."""
    if "://" not in location.artifacts:
        Path(location.artifacts).mkdir(parents=True, exist_ok=True)
    if location.objects.get(ID, LONGEST_ID) is not None:
        raise StoreError(
            f"The files in {location.artifacts} belong to another shared store than {location.shown}, which is new. "
            "Name its database, or another --artifacts (DAE_ARTIFACTS)."
        )
    location.objects.put(ID, identity.encode())


@contextmanager
def _transaction(connection: "Connection") -> Iterator[None]:
    connection.autocommit = False
    try:
        with connection:
            yield
    finally:
        connection.autocommit = True


def is_made(location: SharedLocation) -> bool:
    """Whether somebody has made a store of the database.

    Raises:
        StoreError: It cannot be reached.
    """
    ((made,),) = ask(location, "SELECT to_regclass('daecore.store') IS NOT NULL")
    return bool(made)


def _in_a_line(error: Exception) -> str:
    return in_a_line(str(error)).rstrip(".")
