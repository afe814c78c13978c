"""Which workers: processes of this machine, or of the cluster that the user names; who uses them sees no difference."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from daecore.training.loop import TrainingOptions

from .cluster import ClusterWorkers
from .cluster_address import address
from .workers import Workers

Job = TypeVar("Job")
AnyWorkers = Workers[Job] | ClusterWorkers[Job]
MOST_AFAR = 64  # tasks that wait in a cluster's queue at once; more than it has room for do no harm


@contextmanager
def begin_workers(count: int, training: TrainingOptions) -> "Iterator[AnyWorkers[Job]]":
    """So many workers for a block, each with room for one such training.

    Raises:
        InputError: The cluster that is named is not there, or not known how to be used.
    """
    if not address():
        with Workers[Job](count) as workers:
            yield workers
        return
    gpus = training.devices if training.device == "cuda" else 0
    cpus = max(1, training.threads) * training.devices
    with ClusterWorkers[Job](count, cpus, gpus, address()) as afar:
        yield afar
