"""What each stage is asked, and what a run says that it was made of."""

import pytest
from daecore_flows.stacking.layering import layer_request
from daecore_flows.stages.caller import Caller
from daecore_flows.stages.training import training_request
from daecore_flows.stages.unroll import unroll_request
from daecore_flows.store.dataset_ref import DatasetRef
from daecore_flows.store.file_ref import FileRef
from daecore_flows.store.model_ref import ModelRef, TrainingSummary
from daecore_flows.store.usage import usage, uses

from daecore.errors import InputError, StoreError
from daecore.experiment.experiment import Experiment, parse
from daecore.experiment.provenance import require_same
from daecore.plugin.spec import digest

DIGITS = DatasetRef(
    spec={"digits": {}}, sha256="0", shape=(1, 8, 8), test_shapes=((1, 8, 8),), classes=10, smallest_class=100,
    sizes={"train": 1297, "validation": 200, "test": 300},
)  # fmt: skip


def test_the_control_is_a_plain_autoencoder_whatever_the_objective() -> None:
    """Without corruption nothing is touched: full emphasis would teach it nothing at all."""
    wanted = {
        "dataset": {"digits": {}},
        "objective": {"emphasised": {"a": 1, "b": 0}},
        "architecture": {"conv": {"code": 8}},
    }
    experiment = parse(wanted)
    asked, control = (training_request(experiment, DIGITS, control=flag) for flag in (False, True))
    assert (asked.objective.name, asked.corruptions[0].name) == ("emphasised", "erasure")
    assert (control.objective.name, control.corruptions) == ("mse", ())
    assert asked.key != control.key


def test_what_is_made_anew_is_made_once() -> None:
    """Not again where somebody else has done it already, and never where nothing is to be made anew."""
    request = training_request(
        parse({"dataset": {"digits": {}}, "architecture": {"conv": {"code": 8}}, "training": {"threads": 1}}), DIGITS
    )
    assert Caller(fresh=True).anew(request)
    assert not Caller(fresh=True, known=lambda key: key == digest(request.key)).anew(request)
    assert not Caller(fresh=False).anew(request)


def stack(widths: list[int], **changes: object) -> Experiment:
    wanted = {"dataset": "digits", "architecture": {"stacked": {"widths": widths}}, "objective": "cross_entropy"}
    return parse(wanted | changes)


def trained(weights: str) -> ModelRef:
    """A first layer with these weights."""
    summary = TrainingSummary(
        images_per_second=1, seconds=1, precision="float32", device="cpu", threads=1, epochs=1, loss=1,
        weights_sha256=weights,
    )  # fmt: skip
    return ModelRef(
        run_id=f"run of {weights}", weights=FileRef(path=weights, sha256=weights), summary=summary,
        architecture={"stacked": {"widths": [8]}}, input_shape=(1, 8, 8), output_shape=(1, 8, 8),
    )  # fmt: skip


def test_the_control_of_a_cross_entropy_is_one_without_corruption() -> None:
    """The stacked autoencoder that stacked denoising is compared with minimises what it does, undamaged."""
    asked = [{"emphasised": {"loss": "cross_entropy"}}, "cross_entropy", "emphasised"]
    controls = [training_request(stack([8], objective=name), DIGITS, control=True) for name in asked]
    assert [control.objective.name for control in controls] == ["cross_entropy", "cross_entropy", "mse"]
    assert [control.corruptions for control in controls] == [(), (), ()]


def test_the_second_layers_key_changes_with_the_weights_of_the_first() -> None:
    """And not with the run they lie in."""
    keys = [layer_request(stack([8, 6]), DIGITS, (trained(name),)).key for name in ("a", "b", "a")]
    moved = trained("a").model_copy(update={"run_id": "another"})
    assert keys[0] != keys[1]
    assert keys[0] == keys[2] == layer_request(stack([8, 6]), DIGITS, (moved,)).key


def test_stacks_share_the_layers_in_which_they_agree() -> None:
    """The first layer knows nothing of those above; alone it is the network of one layer, whoever trains it."""
    alone, lower, higher = (layer_request(stack(widths), DIGITS, ()).key for widths in ([8], [8, 6], [8, 6, 4]))
    assert alone == lower == higher == training_request(stack([8]), DIGITS).key
    second = [layer_request(stack(widths), DIGITS, (trained("a"),)).key for widths in ([8, 6], [8, 6, 4], [8, 7])]
    assert second[0] == second[1] != second[2]


def test_the_network_of_a_stack_depends_on_every_layer_in_its_order() -> None:
    wholes = [("a", "b"), ("a", "c"), ("b", "a"), ("a", "b")]
    keys = [unroll_request(stack([8, 8]), DIGITS, tuple(map(trained, names))).key for names in wholes]
    assert keys[0] == keys[3]
    assert len({key.inputs for key in keys}) == 3


def test_however_many_parts_a_run_was_made_of_none_is_forgotten() -> None:
    """A tag keeps 5,000 characters; what does not fit goes into further ones."""
    from mlflow.entities import Run, RunData, RunInfo, RunTag

    names = {f"{number:064x}" for number in range(199)} | {"study-n2n-" + 86 * "0"}
    tags = usage(names)
    assert len(tags) == 4
    assert max(map(len, tags.values())) <= 5000
    info = RunInfo("run", "0", "user", "FINISHED", 0, 0, "active")
    assert uses(Run(info, RunData(tags=[RunTag(*item) for item in tags.items()]))) == names


def test_a_run_s_record_that_was_altered_is_told_in_a_sentence() -> None:
    """Its network is then made anew, or the command says what is wrong."""
    for tag in ("", "[]", "{", '{"run_id": 5}', '{"architecture": {"nobodys": {}}}', "[" * 5000):
        with pytest.raises(StoreError, match=r"^The run x does not say which network it trained: ") as told:
            ModelRef.of(tag, "The run x")
        assert "\n" not in str(told.value)
        assert len(str(told.value)) < 500


def test_a_report_with_other_plugins_is_told_in_a_paragraph() -> None:
    """Records of any type, however many."""
    with pytest.raises(InputError, match=r"cannot be read\. .*So it is with 4,995 more") as told:
        require_same({f"architecture {n}": [n] for n in range(5000)}, "The report")
    assert len(str(told.value)) < 800
