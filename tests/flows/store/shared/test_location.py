"""Where a shared store lies, as users write it: addresses that are one, and every other in a paragraph."""

import pytest
from daecore_flows.store.shared import ARTIFACTS, DATABASE
from daecore_flows.store.shared.location import named_location, parse_location
from sqlalchemy import make_url

from daecore.errors import InputError

ADDRESS = "postgresql://ada:s3cret@db.lab:5433/daecore?sslmode=require"


def test_a_place_is_named_for_mlflow_and_for_prefect() -> None:
    """Both keep `alembic_version`: each has a schema of its own. asyncpg calls TLS otherwise."""
    location = parse_location(ADDRESS, "s3://bucket/lab/")
    mlflow, prefect = make_url(location.tracking_uri), make_url(location.prefect_url)
    assert (mlflow.drivername, prefect.drivername) == ("postgresql+psycopg2", "postgresql+asyncpg")
    for url in (mlflow, prefect):
        assert (url.username, url.password, url.host, url.port) == ("ada", "s3cret", "db.lab", 5433)
        assert url.database == "daecore"
    assert mlflow.query == {"sslmode": "require", "options": "-csearch_path=mlflow"}
    assert prefect.query == {"ssl": "require"}
    assert location.artifacts_url == "s3://bucket/lab"


def test_a_password_is_never_shown() -> None:
    """Nor is it what tells two places apart."""
    location = parse_location(ADDRESS, "s3://bucket")
    assert location.shown == "postgresql://ada@db.lab:5433/daecore?sslmode=require"
    assert location.agrees_with(parse_location(ADDRESS.replace("s3cret", "other"), "s3://bucket"))
    assert not location.agrees_with(parse_location(ADDRESS, "s3://other"))


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:///here.db", "mysql://a:s3cret@h/x", "postgresql://a:s3cret@h", "postgresql:///name",
        "postgresql://a:s3cret@h:port/name", "postgresql://a:s3cret@h/a/b", "postgresql://a:s3cret@h/x?host=/tmp",
        "postgresql://a:s3cret@h/x?sslmode=require&sslmode=disable", "a:s3cret@h", "postgresql://[a:s3cret@h/x", "\n",
        "postgresql://a:s3cret@h:0/x", "postgresql://a:s3cret@h/x#y", "postgresql://a:s3cret%zz@h/x",
        "postgresql://a@h/x?password=s3cret",
    ],
)  # fmt: skip
def test_another_database_is_refused(address: str) -> None:
    """In a paragraph that says how one is written, without the password."""
    with pytest.raises(InputError, match=r"--database \(DAE_DATABASE\).*postgresql://USER@HOST:PORT/NAME") as raised:
        parse_location(address, "s3://bucket")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("address", ["gs://bucket", "s3://", "s3://bucket/../x y", "https://host/bucket", "s3://b?c"])
def test_other_storage_is_refused(address: str) -> None:
    with pytest.raises(InputError, match=r"--artifacts \(DAE_ARTIFACTS\).*s3://BUCKET/NAME.*folder that all machines"):
        parse_location(ADDRESS, address)


@pytest.mark.parametrize(("given", "lacking"), [(DATABASE, "--artifacts"), (ARTIFACTS, "--database")])
def test_half_a_place_is_none(given: str, lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (DATABASE, ARTIFACTS):
        monkeypatch.delenv(name, raising=False)
    assert named_location() is None
    monkeypatch.setenv(given, ADDRESS)
    with pytest.raises(InputError, match=f"Name {lacking}"):
        named_location()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daecore_flows.store.shared.location.find_spec", lambda name: None if name == "boto3" else name)
    with pytest.raises(InputError, match=r"needs boto3.*pip install 'daecore\[shared\]'"):
        parse_location(ADDRESS, "s3://bucket")
