"""What a training takes of a cluster, and for how many such trainings its machines have room."""

import pytest
from daecore_flows.workers.demand import Demand, demand_of

from daecore.training.options import TrainingOptions


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Demand(1, 1, 0)),
        ({"threads": 4, "device": "cpu"}, Demand(1, 4, 0)),
        ({"threads": 2, "devices": 3}, Demand(3, 2, 0)),
        ({"device": "cuda", "devices": 8}, Demand(8, 1, 1)),
        ({"device": "auto"}, Demand(1, 1, 0)),  # nobody knows what the cluster's machines have
    ],
)
def test_each_process_takes_its_threads_and_its_gpu(options: dict[str, object], expected: Demand) -> None:
    """A GPU only where it is named."""
    assert demand_of(TrainingOptions.model_validate(options)) == expected


@pytest.mark.parametrize(
    ("demand", "room"),
    [
        (Demand(1, 1, 0), 12),
        (Demand(1, 3, 0), 3),  # two of the larger machine, one of the smaller, none over both
        (Demand(3, 3, 0), 1),  # processes of one training may be apart
        (Demand(4, 3, 0), 0),
        (Demand(1, 1, 1), 2),
        (Demand(2, 8, 1), 0),  # the smaller machine has no GPU
        (Demand(1, 9, 0), 0),
    ],
)
def test_a_bundle_lies_on_one_machine(demand: Demand, room: int) -> None:
    """The processes of a training may lie on several."""
    machines = [{"Resources": {"CPU": 8, "GPU": 2, "memory": 1e9}}, {"Resources": {"CPU": 4}}]
    assert demand.room(machines) == room
