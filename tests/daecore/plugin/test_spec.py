"""Facts about what a user writes: one-key mappings, and what is said when they are wrong."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from daecore.errors import UnknownExtension
from daecore.plugin.spec import CorruptionSpec, Spec, digest, explain, spec

corruptions = TypeAdapter(list[CorruptionSpec])


class Form(BaseModel):
    """A form with one nested spec, as a flow's parameters have."""

    corruptions: list[CorruptionSpec]


@pytest.mark.parametrize("value", ["erasure", {"erasure": {}}, {"erasure": None}, {"erasure": {"p": 0.5}}])
def test_a_name_a_mapping_and_a_spec_mean_the_same(value: Any) -> None:
    chosen = spec("corruption", value)
    assert chosen == spec("corruption", "erasure") == spec("corruption", chosen)
    assert chosen.dump() == {"erasure": {"p": 0.5, "fill": 0.0, "rescale": False}}


def test_it_survives_json() -> None:
    form = Form.model_validate({"corruptions": [{"blur": {"sigma": 2}}, "erasure"]})
    assert Form.model_validate_json(form.model_dump_json()) == form


def test_the_digest_depends_on_values_and_not_on_the_order_of_keys() -> None:
    first = spec("corruption", {"erasure": {"p": 0.3, "fill": 0.5}})
    assert first.digest == spec("corruption", {"erasure": {"fill": 0.5, "p": 0.3}}).digest
    assert first.digest != spec("corruption", {"erasure": {"p": 0.4, "fill": 0.5}}).digest
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_a_spec_is_shown_with_every_option() -> None:
    assert str(spec("corruption", "blur")) == "blur(sigma=2.0)"


@pytest.mark.parametrize("value", [3, {}, {"erasure": {}, "blur": {}}, ["erasure"]])
def test_another_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"expected one corruption as \{name: \{option: value\}\}, got"):
        spec("corruption", value)


def test_a_spec_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a corruption, got the architecture 'dense'"):
        spec("corruption", spec("architecture", "dense"))


def test_an_unknown_name_is_an_error_with_the_nearest_one() -> None:
    with pytest.raises(UnknownExtension, match=r"no corruption called 'erasur'. Did you mean 'erasure'\?"):
        spec("corruption", "erasur")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"erasure": {"p": 2}}, "erasure.p: Input should be less than or equal to 1, got 2"),
        ({"erasure": {"q": 1}}, "erasure: there is no option 'q' here"),
        ({"blurr": {}}, "Did you mean 'blur' or 'motion_blur'?"),
        (3, "expected one corruption as"),
    ],
)
def test_a_mistake_inside_a_list_is_explained_with_its_place(value: Any, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        corruptions.validate_python(["blur", value])
    assert sentence in explain(caught.value, "corruptions")
    assert "corruptions.1" in explain(caught.value, "corruptions")


def test_the_schema_has_a_branch_per_extension_with_its_name_as_the_only_key() -> None:
    """What makes Prefect's form show a tab for each."""
    branches = Form.model_json_schema()["properties"]["corruptions"]["items"]["anyOf"]
    names = [branch["title"] for branch in branches]
    assert "erasure" in names
    for branch in branches:
        assert branch["required"] == list(branch["properties"]) == [branch["title"]]
        assert branch["additionalProperties"] is False
        assert branch["description"]
    assert json.dumps(branches)


def test_a_spec_is_a_value() -> None:
    """Frozen and hashable, so that it can be a key."""
    assert isinstance(spec("corruption", "blur"), Spec)
    assert len({spec("corruption", "blur"), spec("corruption", {"blur": {"sigma": 2.0}})}) == 1
