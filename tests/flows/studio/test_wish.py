"""Where a studio answers: on this machine by itself, beyond it with a certificate and people alone."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from daecore_flows.store import studio_record
from daecore_flows.store.store import Store
from daecore_flows.studio.ports import Ports
from daecore_flows.studio.wish import Wish, people_of, plan

from daecore.errors import InputError

ELSEWHERE = "127.0.0.2"  # every address of 127/8 is this machine's; the pages call one of them theirs


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab",
         "-addext", f"subjectAltName=IP:{ELSEWHERE}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "store").mkdir()
    return Store(tmp_path / "store", tmp_path / "data")


@pytest.fixture
def ports() -> Iterator[Ports]:
    with Ports() as claimed:
        yield claimed


def test_the_next_studio_answers_where_the_last_one_did(store: Store) -> None:
    """Whoever looks at its pages finds them there, and so does a command that goes on beside it."""
    with Ports() as ports:
        first = plan(store, Wish(), ports).studio
        other = ports.claim(first_free := 23_000)
    assert other >= first_free
    ended = replace(first, pid=0, prefect=f"http://127.0.0.1:{other}")
    studio_record.write(store.root, ended)
    with Ports() as ports:
        assert plan(store, Wish(), ports).studio.prefect == ended.prefect


def test_on_this_machine_nothing_is_asked_for(store: Store, ports: Ports) -> None:
    planned = plan(store, Wish(), ports)
    assert planned.studio.prefect.startswith("http://127.0.0.1:")
    assert (planned.prefect, planned.mlflow, planned.studio.public_prefect) == (None, None, "")


def test_beyond_it_there_are_two_more_doors(store: Store, ports: Ports, files: tuple[Path, Path]) -> None:
    """Those on the loopback address stay, and their ports are others; the record is read again."""
    people_of(store).put("ada", "correct horse battery")
    planned = plan(store, Wish(ELSEWHERE, certificate=files[0], key=files[1]), ports)
    assert planned.prefect is not None
    assert planned.mlflow is not None
    studio = planned.studio
    assert studio.public_prefect == f"https://{ELSEWHERE}:{planned.prefect.port}"
    assert studio.public_mlflow == f"https://{ELSEWHERE}:{planned.mlflow.port}"
    addresses = (studio.prefect, studio.mlflow, studio.public_prefect, studio.public_mlflow)
    assert len({url.rpartition(":")[2] for url in addresses}) == 4
    assert studio.start_page.startswith(studio.public_prefect)
    studio_record.write(store.root, studio)
    assert studio_record.read_record(store.root) == studio


def test_a_record_of_another_address_is_none(store: Store, ports: Ports) -> None:
    """The page that is shown could be anybody's."""
    studio = plan(store, Wish(), ports).studio
    object.__setattr__(studio, "public_prefect", "https://evil.example/x?y")
    studio_record.write(store.root, studio)
    assert studio_record.read_record(store.root) is None


def test_without_a_certificate_it_is_refused(store: Store, ports: Ports, files: tuple[Path, Path]) -> None:
    """With the way through ssh, that needs none."""
    for wish in (Wish("0.0.0.0"), Wish(ELSEWHERE, certificate=files[0]), Wish(ELSEWHERE, key=files[1])):
        with pytest.raises(InputError, match=r"by HTTPS alone.*--certificate FILE and --key FILE.*ssh -L"):
            plan(store, wish, ports)


def test_without_anybody_who_may_ask_it_is_refused(store: Store, ports: Ports, files: tuple[Path, Path]) -> None:
    wish = Wish(ELSEWHERE, certificate=files[0], key=files[1])
    with pytest.raises(InputError, match=r"nobody may come in yet.*dae people add NAME"):
        plan(store, wish, ports)
    people_of(store).path.write_text("[]")
    with pytest.raises(InputError, match="does not hold what `dae people` writes"):
        plan(store, wish, ports)


def test_files_that_are_no_certificate_and_key_are_refused(
    store: Store, ports: Ports, files: tuple[Path, Path], tmp_path: Path
) -> None:
    """Before anything is started: another's key, no PEM, nothing there, a key with a password."""
    certificate, key = files
    (tmp_path / "text").write_text("hello")
    secret = tmp_path / "secret.pem"
    lock = ["openssl", "rsa", "-aes128", "-passout", "pass:secret", "-in", key, "-out", secret]
    subprocess.run(lock, check=True, capture_output=True)
    for first, second, said in (
        (certificate, certificate, "do not belong together"), (tmp_path / "text", key, "no PEM files"),
        (tmp_path / "nothing", key, "There is no file"), (certificate, secret, "the key has a password"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            plan(store, Wish(ELSEWHERE, certificate=first, key=second), ports)


def test_an_address_of_another_machine_is_refused(store: Store, ports: Ports, files: tuple[Path, Path]) -> None:
    people_of(store).put("ada", "correct horse battery")
    nothing = "nothing can answer there"
    for host, said in (("192.0.2.1", nothing), ("nowhere.invalid", nothing), ("not a host", "is no address")):
        with pytest.raises(InputError, match=said):
            plan(store, Wish(host, certificate=files[0], key=files[1]), ports)
