"""Where a studio is to answer: what a user may choose, and the addresses that come of it.

On this machine both pages ask the kernel who comes. On others they ask for a password, and are reached by HTTPS alone.
"""

import os
import re
import socket
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from daecore.errors import InputError, quote

from ..guard.people import People
from ..guard.public_door import Door
from ..store import studio_record
from ..store.host import this_host
from ..store.store import Store
from ..store.studio_record import PUBLIC, Studio, began
from .certificate import require_certificate
from .ports import Ports

HOST, LOOPBACK = "127.0.0.1", ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")
PREFECT_PORT, MLFLOW_PORT = 4200, 5000


@dataclass(frozen=True)
class Wish:
    """What a user may choose: 0 takes the port of last time, else the usual one, else the next that is free.

    Attributes:
        host: The address of this machine at which the pages answer.
        prefect_port: Of Prefect's page there.
        mlflow_port: Of MLflow's.
        certificate: For another address than the loopback: a file.
        key: The file of its private key.
    """

    host: str = HOST
    prefect_port: int = 0
    mlflow_port: int = 0
    certificate: Path | None = None
    key: Path | None = None

    @property
    def public(self) -> bool:
        """Whether other machines are to be answered."""
        return self.host not in LOOPBACK


@dataclass(frozen=True)
class Plan:
    """A studio that is to come up, and its doors for other machines.

    Attributes:
        studio: Its record.
        prefect: Prefect's door; None where there is none.
        mlflow: MLflow's.
    """

    studio: Studio
    prefect: Door | None = None
    mlflow: Door | None = None


def people_of(store: Store) -> People:
    """Who may come from other machines."""
    return People(store.root / "people.json")


def plan(store: Store, wish: Wish, ports: Ports) -> Plan:
    """The studio that a wish makes; nothing is started.

    Args:
        store: Its store.
        wish: Where it shall answer.
        ports: Where it claims those it is to have.

    Raises:
        InputError: A port is taken; or other machines are to be answered, and something is missing for that.
    """
    before = studio_record.read_record(store.root)
    if not wish.public:
        return Plan(
            _local(before, HOST if wish.host == "localhost" else wish.host, ports, wish.prefect_port, wish.mlflow_port)
        )
    _require_doors(store, wish)
    before_s = [_number(url) for url in ((before.public_prefect, before.public_mlflow) if before else ())]
    doors = [
        Door(wish.host, _port(ports, wanted, last or usual, wish.host), str(wish.certificate), str(wish.key),
             str(people_of(store).path))
        for wanted, last, usual in zip(
            (wish.prefect_port, wish.mlflow_port), before_s or (0, 0), (PREFECT_PORT, MLFLOW_PORT), strict=True
        )
    ]  # fmt: skip
    name = socket.gethostname() if wish.host in EVERYWHERE else wish.host
    addresses = [f"https://{_shown(name)}:{door.port}" for door in doors]
    local = _local(before, HOST, ports, beyond=max(door.port for door in doors))
    return Plan(replace(local, public_prefect=addresses[0], public_mlflow=addresses[1]), *doors)


def _local(
    before: Studio | None, host: str, ports: Ports, prefect_port: int = 0, mlflow_port: int = 0, beyond: int = 0
) -> Studio:
    """Where it answers on this machine.

    Args:
        before: The studio of last time.
        host: The loopback address.
        ports: Where it claims its own.
        prefect_port: The user's wish.
        mlflow_port: Likewise.
        beyond: Where other doors are, take ports behind this one.
    """
    shifted = before is not None and bool(before.public_prefect)  # its usual ports were those of its other doors
    last = [0, 0] if before is None or beyond or shifted else [_number(url) for url in (before.prefect, before.mlflow)]
    first = _port(ports, prefect_port, last[0] or (beyond + 1 if beyond else PREFECT_PORT), host)
    second = _port(ports, mlflow_port, last[1] or (first + 1 if beyond else MLFLOW_PORT), host)
    return Studio(
        pid=os.getpid(),
        started=began(psutil.Process()),
        mark=uuid.uuid4().hex,
        prefect=f"http://{_shown(host)}:{first}",
        mlflow=f"http://{_shown(host)}:{second}",
        boot=this_host().boot,
    )


def _number(url: str) -> int:
    return int(url.rsplit(":", 1)[1]) if url else 0


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _port(ports: Ports, wanted: int, usual: int, host: str) -> int:
    try:
        found = ports.claim(wanted or usual, host)
    except OSError as error:
        raise InputError(
            f"--host {quote(host)}: nothing can answer there ({error.strerror or error}). Name an address of this "
            "machine, or 0.0.0.0 for all of them."
        ) from None
    if wanted and found != wanted:
        raise InputError(
            f"The port {wanted} is taken by another process. Leave the choice to daecore, or name another."
        )
    return found


def _require_doors(store: Store, wish: Wish) -> None:
    """Refuse to answer other machines without HTTPS, and without anybody who may ask."""
    if wish.certificate is None or wish.key is None:
        raise InputError(
            f"--host {quote(wish.host)}: other machines are answered by HTTPS alone, and only people with a password. "
            "Give --certificate FILE and --key FILE, and name people with `dae people add NAME`. Or stay on this "
            f"machine ({HOST}), and forward the ports through ssh: "
            f"ssh -L {PREFECT_PORT}:{HOST}:{PREFECT_PORT} -L {MLFLOW_PORT}:{HOST}:{MLFLOW_PORT} this-machine."
        )
    require_certificate(wish.certificate, wish.key)
    try:
        somebody = people_of(store).names()
    except ValueError as error:
        raise InputError(f"{error}.") from None
    if not somebody:
        raise InputError(
            f"--host {quote(wish.host)}: nobody may come in yet. `dae people add NAME` asks for somebody's password."
        )
    name = socket.gethostname() if wish.host in EVERYWHERE else wish.host
    if not re.fullmatch(PUBLIC, f"https://{_shown(name)}:1"):
        raise InputError(f"--host {quote(wish.host)} is no address. Name one of this machine, or 0.0.0.0 for all.")
