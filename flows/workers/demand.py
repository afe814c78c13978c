"""Demand: what a training takes of a cluster: a bundle of processors and GPUs for each of its processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daecore.errors import InputError
from daecore.training.options import TrainingOptions

Machines = Sequence[Mapping[str, Any]]  # as Ray describes them


@dataclass(frozen=True)
class Demand:
    """What Ray is to keep for a training.

    Attributes:
        processes: How many bundles; each lies on one machine, all of them on one where there is room.
        cpus: Processors of each: as many threads it computes with, if nobody says another number.
        gpus: Likewise.
    """

    processes: int
    cpus: int
    gpus: int

    @property
    def bundle(self) -> dict[str, float]:
        """One of them, in Ray's words."""
        return {"CPU": float(self.cpus)} | ({"GPU": float(self.gpus)} if self.gpus else {})

    def room(self, machines: Machines) -> int:
        """For how many such trainings these machines have room."""
        bundles = sum(
            min(int(machine["Resources"].get(kind, 0) // count) for kind, count in self.bundle.items())
            for machine in machines
        )
        return bundles // self.processes


def demand_of(training: TrainingOptions) -> Demand:
    """What a training takes: processors for its threads, or one each; a GPU each if it names them."""
    return Demand(training.devices, max(1, training.threads), int(training.device == "cuda"))


def require_room(demand: Demand, machines: Machines, cluster: str) -> None:
    """Refuse what the machines of a cluster have no room for, whoever else computes there.

    Raises:
        InputError: They have none.
    """
    if demand.room(machines):
        return
    there = [
        f"{machine['NodeManagerAddress']}: {int(machine['Resources'].get('CPU', 0))} CPU, "
        f"{int(machine['Resources'].get('GPU', 0))} GPU"
        for machine in machines
    ]
    one = f"{demand.cpus} CPU and {demand.gpus} GPU of one machine"
    asked = one if demand.processes == 1 else f"{demand.processes} processes with {one} each"
    raise InputError(
        f"A training asks for {asked}, and the cluster {cluster} has no room for that ({'; '.join(there[:4])}). Ask "
        "for fewer --threads or training.devices, or add a machine with `ray start`."
    )
