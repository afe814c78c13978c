"""What each stage is asked, and what a run says that it was made of."""

from daecore_flows.housekeeping import usage, uses
from daecore_flows.records import DatasetRef
from daecore_flows.requests import training_request

from daecore.experiment import parse

DIGITS = DatasetRef(
    data={"digits": {}}, sha256="0", shape=(1, 8, 8), test_shapes=((1, 8, 8),), classes=10, smallest_class=100,
    sizes={"train": 1297, "validation": 200, "test": 300},
)  # fmt: skip


def test_the_control_is_a_plain_autoencoder_whatever_the_objective() -> None:
    """Without corruption nothing is touched: full emphasis would teach it nothing at all."""
    wanted = {
        "data": {"digits": {}},
        "objective": {"emphasised": {"a": 1, "b": 0}},
        "autoencoder": {"conv": {"code": 8}},
    }
    experiment = parse(wanted)
    asked, control = (training_request(experiment, DIGITS, control=flag) for flag in (False, True))
    assert (asked.objective.name, asked.corruptions[0].name) == ("emphasised", "erasure")
    assert (control.objective.name, control.corruptions) == ("clean", ())
    assert asked.key != control.key


def test_however_many_parts_a_run_was_made_of_none_is_forgotten() -> None:
    """A tag keeps 5,000 characters; what does not fit goes into further ones."""
    from mlflow.entities import Run, RunData, RunInfo, RunTag

    names = {f"{number:064x}" for number in range(199)} | {"study-n2n-" + 86 * "0"}
    tags = usage(names)
    assert len(tags) == 4
    assert max(map(len, tags.values())) <= 5000
    info = RunInfo("run", "0", "user", "FINISHED", 0, 0, "active")
    assert uses(Run(info, RunData(tags=[RunTag(*item) for item in tags.items()]))) == names
