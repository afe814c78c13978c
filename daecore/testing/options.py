"""Checks of options, for every kind: what a form and a stranger need to use them."""

from typing import Any

from pydantic_core import PydanticUndefined

from daecore.errors import InputError
from daecore.plugin.bibtex import entries
from daecore.plugin.extension import Extension
from daecore.plugin.options import Options
from daecore.testing.contract import Check, Subject, Violation

LOWER, UPPER = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}


def _default(subject: Subject[Extension]) -> None:
    for name, field in subject.extension.options.model_fields.items():
        if field.default is PydanticUndefined and field.default_factory is None:
            raise Violation(
                "a default for every option", f"{name!r} has none", f"Write `{name}: ... = Field(default=...)`."
            )


def _check_descriptions(subject: Subject[Extension]) -> None:
    if not subject.extension.summary:
        raise Violation(
            "a docstring on the options class: the form and the lists show its first line",
            f"{subject.extension.options.__name__} has none",
            "Say in one sentence what happens.",
        )
    for name, field in subject.extension.options.model_fields.items():
        if not field.description:
            raise Violation(
                "a description with its unit for every option",
                f"{name!r} has none",
                f"Write `{name}: ... = Field(..., description='...')`.",
            )


def _check_bounds(subject: Subject[Extension]) -> None:
    for name, schema in subject.extension.options.model_json_schema(mode="validation").get("properties", {}).items():
        for part in _numbers(schema):
            if not (LOWER & set(part) and UPPER & set(part)):
                raise Violation(
                    "a lowest and a highest value for every number: the form offers the range",
                    f"{name!r} has {sorted((LOWER | UPPER) & set(part)) or 'neither'}",
                    f"Write `{name}: ... = Field(..., ge=..., le=...)`.",
                )


def _numbers(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas of all numbers inside an option's, but for enumerated ones."""
    parts = [schema, *schema.get("anyOf", ()), *([schema["items"]] if isinstance(schema.get("items"), dict) else [])]
    return [part for part in parts if part.get("type") in ("number", "integer") and "enum" not in part]


def _strict(subject: Subject[Extension]) -> None:
    config = subject.extension.options.model_config
    if not (config.get("frozen") and config.get("extra") == "forbid"):
        raise Violation(
            "frozen options that forbid unknown names",
            f"model_config is {dict(config)}",
            "Inherit from daecore.Options and leave model_config alone.",
        )


def _round_trip(subject: Subject[Extension]) -> None:
    kind: type[Options] = subject.extension.options
    again = kind.model_validate_json(subject.options.model_dump_json())
    if again != subject.options:
        raise Violation(
            "options that come back from JSON as they were",
            f"{subject.options!r} came back as {again!r}",
            "Use plain types: numbers, strings, booleans, tuples and nested Options.",
        )


def _source(subject: Subject[Extension]) -> str:
    try:
        found = entries(subject.extension.source)
    except InputError as error:
        raise Violation(
            "a source that is BibTeX: `dae cite` prints it", str(error), "Mend it, or leave it out."
        ) from None
    return ", ".join(entry.key for entry in found) or "it names none"


CHECKS = (
    Check("every option has a default", _default),
    Check("every option is described", _check_descriptions),
    Check("every number has a range", _check_bounds),
    Check("unknown options are refused", _strict),
    Check("options survive JSON", _round_trip),
    Check("its source is BibTeX", _source),
)
