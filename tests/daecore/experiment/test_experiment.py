"""The experiment: round trips, changes from the command line, and every way in which it cannot be run."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from daecore.errors import InputError
from daecore.experiment.experiment import Experiment, override, parse, read
from daecore.experiment.feasibility import check
from daecore.model.autoencoder import Shapes, initialise

DIGITS: dict[str, Any] = {
    "dataset": {"digits": {}},
    "corruptions": [{"blur": {"sigma": 1}}, {"erasure": {"p": 0.5}}],
    "architecture": {"conv": {"widths": [8, 16], "code": 16}},
    "transfer": None,
}


def refusal(**sections: Any) -> str:
    """What is said about an experiment that cannot be run."""
    with pytest.raises(InputError) as caught:
        check(parse({**DIGITS, **sections}))
    return str(caught.value)


def test_yaml_and_json_round_trip() -> None:
    """What is printed can be read back, and is the same experiment."""
    experiment = parse(DIGITS)
    assert parse(yaml.safe_load(experiment.dump())) == experiment
    assert parse(json.loads(experiment.model_dump_json())) == experiment


def test_the_digest_does_not_depend_on_the_order_of_keys_nor_on_defaults() -> None:
    """Two ways of writing one experiment are one experiment; a changed option is another."""
    turned = dict(reversed(list(DIGITS.items())))
    spelt_out = {**turned, "corruptions": [{"blur": {"sigma": 1.0}}, {"erasure": {"fill": 0, "p": 0.5}}], "seed": 0}
    assert parse(turned).digest == parse(spelt_out).digest == parse(DIGITS).digest
    assert parse({**DIGITS, "seed": 1}).digest != parse(DIGITS).digest


def test_the_order_of_corruptions_matters() -> None:
    """Blurring an erased picture is not erasing a blurred one."""
    assert parse({**DIGITS, "corruptions": DIGITS["corruptions"][::-1]}).digest != parse(DIGITS).digest


def test_changes_reach_options_in_mappings_lists_and_empty_sections() -> None:
    """The right side is YAML; what is not there is made; the original stays as it was."""
    before = json.dumps(DIGITS)
    changed = override(
        DIGITS, ["training.epochs=3", "corruptions.1.erasure.p=0.9", "seed=7", "transfer={labels: [20]}"]
    )
    experiment = parse(changed)
    assert experiment.training.epochs == 3
    assert experiment.corruptions[1].dump()["erasure"]["p"] == 0.9
    assert experiment.seed == 7
    assert experiment.transfer is not None
    assert experiment.transfer.labels == (20,)
    assert json.dumps(DIGITS) == before


def test_a_bare_name_takes_options() -> None:
    """``dataset: digits`` and then ``dataset.digits.x=`` means the mapping."""
    assert override({"architecture": "conv"}, ["architecture.conv.code=8"]) == {"architecture": {"conv": {"code": 8}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("training.epochs", "--set takes section.option=value"),
        ("=3", "--set takes section.option=value"),
        ("training=[1", "is not YAML"),
        ("seed.x=1", "there is no 'x' inside 3"),
    ],
)
def test_a_change_of_another_form_is_refused(change: str, message: str) -> None:
    """The message shows the form, or the place."""
    with pytest.raises(InputError, match=message):
        override({"seed": 3}, [change])


@pytest.mark.parametrize(
    ("text", "message"),
    [("data: [", "is not YAML"), ("- 1", "must hold sections"), (b"\xff\xfe\x00", "cannot be read")],
)
def test_a_file_that_is_no_experiment_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    """Broken YAML, a list, and bytes that are no text."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        read(path)


def test_shapes_are_known_without_data() -> None:
    """Checking says what the samples look like before and after the corruption."""
    assert check(parse(DIGITS)) == Shapes((1, 8, 8), (1, 8, 8))
    small = {"dataset": "mnist", "corruptions": ["downscale"], "architecture": "upscaler"}
    assert check(parse(small)) == Shapes((1, 28, 28), (1, 14, 14))


def test_a_block_larger_than_the_image_is_refused() -> None:
    """Side and image are named."""
    message = refusal(corruptions=[{"block_mask": {"size": 10}}])
    assert "10" in message
    assert "8" in message


def test_a_code_as_large_as_the_image_is_refused() -> None:
    """The largest one that is allowed is told."""
    assert "at most 63" in refusal(architecture={"conv": {"code": 64}})


def test_a_corruption_of_images_is_refused_on_points() -> None:
    """Points in the plane have no pixels to erase."""
    message = refusal(dataset={"arc": {}}, architecture={"dense": {}})
    assert "blur" in message
    assert "images" in message


def test_an_architecture_for_images_is_refused_on_points() -> None:
    """A convolution needs rows and columns."""
    assert "conv is for images" in refusal(dataset={"arc": {}}, corruptions=["gaussian_noise"])


def test_a_network_that_cannot_enlarge_is_refused_on_smaller_images() -> None:
    """What could be used instead is told."""
    assert "upscaler" in refusal(corruptions=["downscale"])


def test_fewer_labels_than_classes_are_refused() -> None:
    """Each class needs one."""
    assert "5 labels cannot cover 10 classes" in refusal(transfer={"labels": [5]})


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"dataset": {"mnits": {}}}, "no dataset called 'mnits'. Did you mean 'mnist'"),
        ({"corruptions": [{"erasur": {}}]}, "no corruption called 'erasur'. Did you mean 'erasure'"),
        ({"architecture": {"convv": {}}}, "no architecture called 'convv'. Did you mean 'conv'"),
        ({"objective": {"msee": {}}}, "no objective called 'msee'. Did you mean 'mse'"),
        ({"corruptions": [{"erasure": {"p": 1.5}}]}, "erasure.p: Input should be less than or equal to 1, got 1.5"),
        ({"corruptions": [{"erasure": {"q": 0.5}}]}, "erasure: there is no option 'q' here"),
        ({"training": {"epochs": 0}}, "training.epochs: Input should be greater than or equal to 1, got 0"),
        ({"trainig": {}}, "no option 'trainig' here. Did you mean 'training'"),
        ({"seed": -1}, "seed: Input should be greater than or equal to 0"),
        ({"dataset": {"mnist": {}, "digits": {}}}, "expected one dataset as"),
    ],
)
def test_a_wrong_name_option_or_value_is_refused_with_its_place(sections: dict[str, Any], message: str) -> None:
    """Who, what was expected, what came."""
    assert message in refusal(**sections)


def test_an_empty_file_is_the_default_experiment() -> None:
    """Every option has a default."""
    assert parse(None) == Experiment()


def test_first_weights_depend_on_the_seed_alone_and_leave_the_global_generator() -> None:
    """Same seed, same weights; nobody else's random numbers change."""
    experiment, shapes = parse(DIGITS), Shapes((1, 8, 8), (1, 8, 8))
    torch.rand(3)
    state = torch.get_rng_state()
    one, two, other = (initialise(experiment.architecture, shapes, seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_the_title_names_data_corruptions_and_network() -> None:
    """It becomes the name of the run."""
    assert parse(DIGITS).title == "digits blur(sigma=1.0) erasure(p=0.5) conv-16"


@pytest.mark.parametrize(
    ("section", "name", "nearest"),
    [
        ({"training": {"epoch": 3}}, "epoch", "epochs"),
        ({"corruptions": [{"erasure": {"fil": 0}}]}, "fil", "fill"),
        ({"architectre": {"conv": {}}}, "architectre", "architecture"),
    ],
)
def test_an_unknown_option_is_answered_with_the_nearest(section: dict[str, object], name: str, nearest: str) -> None:
    """In a section, in a plugin's options, and for a section itself."""
    with pytest.raises(InputError, match=f"no option '{name}' here. Did you mean '{nearest}'"):
        parse(section)
