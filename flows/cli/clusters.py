"""The option `--cluster`: where trials and trainings of a command run."""

import os
from typing import Annotated

import typer

from ..workers.cluster_address import CLUSTER, address, require_cluster

Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="A Ray cluster to train on: auto, HOST:PORT or ray://HOST:PORT (or DAE_CLUSTER).",
    ),
]


def name_cluster(named: str | None) -> None:
    """Let this process, and those that it begins, train on a cluster.

    Raises:
        InputError: It is not there.
    """
    if named:
        os.environ[CLUSTER] = named
    if address():
        require_cluster(address())
