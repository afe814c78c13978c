"""Where a shared store lies: a PostgreSQL database, and object storage or a folder that all machines see.

Knows addresses, as users write them and as MLflow and Prefect want them. Opens nothing.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, quote, urlsplit, urlunsplit

from daecore.addresses import without_password
from daecore.errors import InputError
from daecore.errors import quote as shown
from daecore.object_storage import ObjectStorage
from daecore.paths import user_path

from . import ARTIFACTS, DATABASE

FORM = "postgresql://USER@HOST:PORT/NAME"
NAMES = ("postgresql", "postgres")
BUCKET = re.compile(r"s3://[A-Za-z0-9][A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")  # what begins like one and is none
WHAT = "The artifacts of the shared store"
NEEDED = {"psycopg2": "psycopg2-binary", "asyncpg": "asyncpg", "boto3": "boto3", "obstore": "obstore"}


@dataclass(frozen=True)
class SharedLocation:
    """Where the database and the files of a shared store lie.

    Attributes:
        database: ``postgresql://user:password@host:port/name``; what is left out, libpq knows or asks the environment.
        artifacts: ``s3://bucket/name``, or the absolute path of a folder.
    """

    database: str
    artifacts: str

    @property
    def tracking_uri(self) -> str:
        """The database as MLflow names it: in a schema of its own, for Prefect has tables of the same names."""
        return self._url("postgresql+psycopg2", {"options": "-csearch_path=mlflow"})

    @property
    def prefect_url(self) -> str:
        """The database as Prefect names it; the schema is another setting of it."""
        return self._url("postgresql+asyncpg", {}, sslmode="ssl")

    @property
    def objects(self) -> ObjectStorage:
        """Where the files lie."""
        return _storage(self.artifacts, os.getpid())

    @property
    def artifacts_url(self) -> str:
        """The same as MLflow writes it."""
        return self.artifacts if "://" in self.artifacts else Path(self.artifacts).as_uri()

    @property
    def shown(self) -> str:
        """The database, for a message: without the password."""
        return without_password(self.database)

    def agrees_with(self, other: "SharedLocation") -> bool:
        """Whether both are the same, whatever the passwords."""
        return (self.shown, self.artifacts) == (other.shown, other.artifacts)

    def _url(self, scheme: str, more: Mapping[str, str], sslmode: str = "sslmode") -> str:
        parts = urlsplit(self.database)
        wanted = {sslmode: parse_qs(parts.query)["sslmode"][0]} if parts.query else {}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in {**wanted, **more}.items())
        return urlunsplit((scheme, parts.netloc, parts.path, query, ""))


@cache
def _storage(artifacts: str, process: int) -> ObjectStorage:
    """The same one for all of a process, for it keeps its connections; a process that was forked has its own."""
    return ObjectStorage(artifacts, WHAT, existing=True)


def parse_location(database: str, artifacts: str) -> SharedLocation:
    """The location that a user named; nothing is looked at.

    Args:
        database: Its address.
        artifacts: An address, or a folder.

    Raises:
        InputError: One of them is no such address, or what it needs is not installed.
    """
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        raise InputError(
            f"A shared store needs {' and '.join(missing)}, which cannot be found here. Install what it takes with: "
            "pip install 'daecore[shared]'"
        )
    return SharedLocation(_database(database), _artifacts(artifacts))


def named_location() -> SharedLocation | None:
    """The location that the environment names; None where it names none.

    Raises:
        InputError: It names half of one, or what is none.
    """
    database, artifacts = os.environ.get(DATABASE, ""), os.environ.get(ARTIFACTS, "")
    if not database and not artifacts:
        return None
    if not database or not artifacts:
        given, lacking = ("--database", "--artifacts") if database else ("--artifacts", "--database")
        raise InputError(
            f"A shared store has a database and a place for its files, and only {given} ({_variable(given)}) is given. "
            f"Name {lacking} ({_variable(lacking)}), too."
        )
    return parse_location(database, artifacts)


def _variable(option: str) -> str:
    return DATABASE if option == "--database" else ARTIFACTS


def _database(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
        if parts.scheme in NAMES and _is_whole(parts) and _asks_for_tls_alone(parts):
            return urlunsplit(("postgresql", parts.netloc, parts.path, parts.query, ""))
    except ValueError:  # no port, no address
        pass
    raise InputError(
        f"--database ({DATABASE}) is {shown(_without_secrets(text))}, but a shared store's database is PostgreSQL, "
        f"written {FORM}; ?sslmode=require may follow. A password may stand behind the user (USER:PASSWORD@), or in "
        "PGPASSWORD or ~/.pgpass. Write another one."
    )


def _is_whole(parts: SplitResult) -> bool:
    name = parts.path.removeprefix("/")
    printable = parts.netloc.isprintable() and parts.path.isprintable() and not ESCAPE.search(parts.netloc + parts.path)
    return bool(parts.hostname and name and printable and "/" not in name and not parts.fragment and parts.port != 0)


def _asks_for_tls_alone(parts: SplitResult) -> bool:
    asked = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    return asked.keys() <= {"sslmode"} and all(len(values) == 1 for values in asked.values())


def _without_secrets(text: str) -> str:
    """What of a text is no user and no password, whatever else is wrong with it."""
    _, at, behind = text.partition("?")[0].rpartition("@")
    return f"...@{behind}" if at else behind


def _artifacts(text: str) -> str:
    if "://" not in text:
        return str(user_path(text, f"--artifacts ({ARTIFACTS})"))
    if BUCKET.fullmatch(text.rstrip("/")):
        return text.rstrip("/")
    raise InputError(
        f"--artifacts ({ARTIFACTS}) is {shown(text)}, but files of a shared store lie in s3://BUCKET/NAME, or in a "
        "folder that all machines see at one path. Keys and the address of the server stand in the environment "
        "(AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL). Write another one."
    )
