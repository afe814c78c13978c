"""Who trains for another process: with its code and its plugins, or not at all."""

import pytest
from daecore_flows.stages.follower import require_same_code
from daecore_flows.stages.training import TrainingRequest, training_request
from daecore_flows.store.dataset_ref import DatasetRef

from daecore.errors import StoreError
from daecore.experiment.experiment import Experiment
from daecore.plugin.spec import spec


@pytest.fixture
def request_() -> TrainingRequest:
    data = DatasetRef(
        spec=spec("dataset", "digits"), sha256="0", shape=(1, 8, 8), test_shapes=((1, 8, 8),), classes=10,
        smallest_class=9, sizes={"train": 1, "validation": 1, "test": 1},
    )  # fmt: skip
    return training_request(Experiment(dataset=data.spec), data)


def test_the_same_code_may(request_: TrainingRequest) -> None:
    """Whatever the device and the data: they are in the request."""
    require_same_code(request_)


@pytest.mark.parametrize("other", [{"code": "0"}, {"plugins": ("dust 1.0",)}])
def test_other_code_or_plugins_may_not(request_: TrainingRequest, other: dict[str, object]) -> None:
    """What it gives would lie in the cache under a key that is not its own."""
    key = request_.key.model_copy(update=other)
    with pytest.raises(StoreError, match=r"other code or plugins .* Install the same versions"):
        require_same_code(request_.model_copy(update={"key": key}))
