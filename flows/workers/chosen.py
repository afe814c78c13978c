"""Which workers: processes of this machine, or of the cluster that the user names; who uses them sees no difference."""

from typing import Any, TypeVar

from daecore.errors import InputError
from daecore.training.joining import launched_world

from .cluster import ClusterWorkers
from .cluster_address import address
from .workers import Workers

Job = TypeVar("Job")
AnyWorkers = Workers[Job] | ClusterWorkers[Job]
MOST_AFAR = 64  # trainings of a study that a cluster is asked for at once


def choose_workers(count: int) -> AnyWorkers[Any]:
    """So many workers, each with room for one training; the block that enters them begins them.

    Args:
        count: How many tasks at a time.

    Raises:
        InputError: torchrun has begun this process.
    """
    where = address()
    if launched_world().size > 1:
        raise InputError(
            "torchrun's processes share one training after the other, and several were to be made at once. Call "
            "`dae sweep` and `dae study` without torchrun; a cluster places their trainings on machines."
        )
    return ClusterWorkers(count, where) if where else Workers(count)
