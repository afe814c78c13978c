"""Connecting to a Ray cluster, and what its processes are given of our environment.

They work on the same store, with the same MLflow and Prefect. What is secret stays here: Ray shows what it is given.
"""

import logging
import os
from typing import Any
from urllib.parse import urlsplit

from prefect.client.orchestration import get_client

from daecore.addresses import without_password
from daecore.plugin.single_files import PLUGIN_PATH

from ..store.owner import OWNER
from ..store.server_address import MARK, URL
from ..store.shared import DATABASE
from ..store.studio_record import MARK as MARK_OF_STUDIO
from .cluster_address import CLUSTER, no_cluster, require_cluster

OURS = ("DAE_", "PREFECT_", "MLFLOW_", "DO_NOT_TRACK", "GOMP_", "TORCHINDUCTOR_", "PYTHONSAFEPATH")
OF_DATABASE = ("MLFLOW_TRACKING_URI", "PREFECT_SERVER_DATABASE_CONNECTION_URL")
OF_THIS_MACHINE = (CLUSTER, MARK_OF_STUDIO, OWNER)  # processes of a studio, which other machines have not
SECRETS = ("PASSWORD", "TOKEN", "SECRET", "AUTH", "KEY")  # in a name: what is secret is given to `ray start`


def connect(where: str) -> Any:
    """Ray, connected to the cluster.

    Raises:
        InputError: See `require_cluster`.
    """
    require_cluster(where)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # it calls home
    import ray

    with get_client(sync_client=True) as client:
        api = str(client.api_url).rstrip("/")
    given = _environment()
    try:
        ray.init(
            address=where, runtime_env={"env_vars": given | {URL: api, MARK: api}}, log_to_driver=False,
            logging_level=logging.ERROR, configure_logging=False,
        )  # fmt: skip
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise no_cluster(where, str(error)) from None
    return ray


def _environment() -> dict[str, str]:
    """What Ray's processes are given of ours: nothing secret, for Ray shows it, and no path that is relative."""
    given = {name: value for name, value in os.environ.items() if name.startswith(OURS) and name not in OF_THIS_MACHINE}
    if PLUGIN_PATH in given:
        given[PLUGIN_PATH] = os.pathsep.join(os.path.abspath(path) for path in given[PLUGIN_PATH].split(os.pathsep))
    for name in (DATABASE, *OF_DATABASE):  # without them a worker would have a store of its own
        if given.get(name, "").startswith("postgresql"):
            given[name] = without_password(given[name])
    return {name: value for name, value in given.items() if not _is_secret(name, value)}


def _is_secret(name: str, value: str) -> bool:
    """Whether a name speaks of a secret, or a value is an address with a password in it."""
    try:
        return any(word in name for word in SECRETS) or urlsplit(value).password is not None
    except ValueError:  # no address
        return False
