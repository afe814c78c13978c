"""The form lint: every deployment's schema is safe for Prefect's page.

That page picks the branch of a union by overlapping keys or by type, knows no `oneOf`, shows a one-value enum as free
text, and sends nothing for what has no default. Inside a list it offers no tabs.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daecore_flows.store.store import Store


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[dict, dict]]]:
    """Schema and parameters of every deployment, by name."""
    folder = tmp_path_factory.mktemp("forms")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in Store(folder, folder).environment().items():
            patch.setenv(name, value)
        from daecore_flows.studio.deployments import describe_deployments

        yield {
            name: (json.loads(flow.parameters.model_dump_json()), values)
            for flow, name, values, _ in describe_deployments()
        }


def walk(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema, with its place."""
    if isinstance(schema, dict):
        if {"type", "anyOf", "$ref", "enum", "const", "oneOf", "allOf"} & schema.keys() or "properties" in schema:
            yield place, schema
        for key, value in schema.items():
            if key not in ("default", "enum", "example", "examples"):
                yield from walk(value, f"{place}.{key}")
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            yield from walk(value, f"{place}.{number}")


def each(forms: dict[str, tuple[dict, dict]]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for name, (form, _) in forms.items():
        for place, schema in walk(form):
            yield f"{name}{place}", schema, form


def test_every_recipe_and_every_flow_has_a_form(forms: dict) -> None:
    assert {"mnist-erasure", "digits-erasure", "rerun", "sweep", "retrain", "reconcile"} <= forms.keys()


def test_no_branch_of_a_union_is_ambiguous(forms: dict) -> None:
    """Objects differ in their keys, and of every other type there is one at most; `oneOf` is a bare JSON editor."""
    for place, schema, form in each(forms):
        assert not {"oneOf", "allOf", "discriminator", "const"} & schema.keys(), place
        branches = [resolved(branch, form) for branch in schema.get("anyOf", [])]
        objects = [set(branch["properties"]) for branch in branches if branch.get("type") == "object"]
        others = [branch["type"] for branch in branches if branch.get("type") != "object"]
        numbers = ["number" if kind == "integer" else kind for kind in others]
        assert len(set(numbers)) == len(numbers), place
        assert sum(map(len, objects)) == len(set().union(*objects)), place


def test_every_field_has_a_default_that_the_schema_allows(forms: dict) -> None:
    """What nobody touches is sent as it is shown; a tab's own key is what it is chosen by."""
    for name, (form, _) in forms.items():
        assert form.get("required", []) == [], name
    for place, schema, _ in each(forms):
        required, fields = schema.get("required", []), schema.get("properties", {})
        tab = required == list(fields) and len(fields) == 1
        assert required == [] or tab, place
        assert all("default" in field for field in fields.values()), place


def test_every_field_has_a_description_and_every_number_its_bounds(forms: dict) -> None:
    """The description says the unit; a number without bounds would be refused only after submitting."""
    for place, schema, form in each(forms):
        for field, value in schema.get("properties", {}).items():
            found = resolved(value, form)
            assert value.get("description") or found.get("description"), f"{place}.{field}"
            if found.get("type") in ("integer", "number") and "enum" not in found:
                bounds = {"minimum", "exclusiveMinimum"} & found.keys(), {"maximum", "exclusiveMaximum"} & found.keys()
                assert all(bounds), f"{place}.{field}"


def test_a_choice_has_more_than_one_value(forms: dict) -> None:
    """A single one would be shown as a box for free text."""
    for place, schema, _ in each(forms):
        assert len(schema.get("enum", [1, 2])) > 1, place


def test_every_form_s_values_are_what_its_flow_takes(forms: dict) -> None:
    """The defaults, and each recipe's parameters, written as the form writes them, are a whole experiment."""
    from daecore.experiment.experiment import Experiment

    for name, (form, values) in forms.items():
        if "dataset" not in form["properties"]:
            continue
        shown = {key: field["default"] for key, field in form["properties"].items()} | values
        sections = {key: value for key, value in shown.items() if key in Experiment.model_fields}
        assert Experiment.model_validate(json.loads(json.dumps(sections))).form == sections, name


def test_prefect_yaml_describes_the_same_deployments(forms: dict) -> None:
    """For work pools; `make docs` writes it."""
    import yaml

    described = yaml.safe_load((Path(__file__).parents[3] / "deploy" / "prefect.yaml").read_text())
    assert {item["name"]: item["parameters"] for item in described["deployments"]} == {
        name: values for name, (_, values) in forms.items()
    }


def resolved(schema: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {**form["definitions"][schema["$ref"].rsplit("/", 1)[1]], **schema}
    return schema
