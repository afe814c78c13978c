"""Spec: how a user names an extension, ``{erasure: {p: 0.5}}``, tagged from outside.

Knows the registry. The same class stands for all kinds; its parameter and the annotated aliases below say which.
Tagged from outside, because Prefect's form picks the branch of a union by its keys.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar, cast, overload

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from daecore.errors import DaecoreError, in_a_line, quote
from daecore.plugin.extension import Extension, Kind
from daecore.plugin.installed import Installed
from daecore.plugin.kinds import Architecture, Corruption, Dataset, Metric, Objective
from daecore.plugin.options import Options
from daecore.plugin.registry import registry

MOST_FAULTS = 20  # that a message tells
E_co = TypeVar("E_co", bound=Extension, covariant=True)


@dataclass(frozen=True)
class Spec(Generic[E_co]):
    """One extension by kind and name, with its validated options; ``Spec[Corruption]`` is one of a corruption."""

    kind: Kind
    name: str
    options: Options

    @property
    def installed(self) -> Installed:
        """What the registry holds under this name."""
        return registry().find(self.kind, self.name)

    @property
    def extension(self) -> E_co:
        """The extension itself."""
        return cast("E_co", self.installed.extension)  # the registry keeps each kind's class under its name

    def dump(self) -> dict[str, Any]:
        """The one-key mapping a user would write, every option spelt out, fit for JSON."""
        return {self.name: self.options.model_dump(mode="json")}

    @property
    def parts(self) -> Iterator["Spec[Extension]"]:
        """Itself and every extension its options name."""
        yield self
        for _, value in self.options:
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, Spec):
                    yield from item.parts

    @property
    def digest(self) -> str:
        """SHA-256 of name, options and kind; it does not depend on the order of keys."""
        return digest([self.kind, self.dump()])

    def __str__(self) -> str:
        values = ", ".join(f"{key}={value}" for key, value in self.dump()[self.name].items())
        return f"{self.name}({values})"


@overload
def spec(kind: Literal["corruption"], value: object) -> Spec[Corruption]: ...
@overload
def spec(kind: Literal["dataset"], value: object) -> Spec[Dataset]: ...
@overload
def spec(kind: Literal["architecture"], value: object) -> Spec[Architecture]: ...
@overload
def spec(kind: Literal["objective"], value: object) -> Spec[Objective]: ...
@overload
def spec(kind: Literal["metric"], value: object) -> Spec[Metric]: ...
@overload
def spec(kind: Kind, value: object) -> Spec[Extension]: ...
def spec(kind: Kind, value: object) -> Spec[Extension]:
    """A Spec from itself, a one-key mapping or a bare name.

    Raises:
        UnknownExtension: No such extension.
        ValueError: The value has another form.
        pydantic.ValidationError: The options are wrong.
    """
    if isinstance(value, Spec):
        if value.kind != kind:
            raise ValueError(f"expected a {kind}, got the {value.kind} {value.name!r}")
        return value
    if isinstance(value, str):
        value = {value: {}}
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"expected one {kind} as {{name: {{option: value}}}}, got {quote(value)}")
    name, options = next(iter(value.items()))
    extension = registry().find(kind, str(name)).extension
    return Spec(kind, extension.name, extension.options.model_validate({} if options is None else options))


@dataclass(frozen=True)
class OfKind:
    """The annotation that tells pydantic which kind a Spec field holds.

    Attributes:
        kind: The kind.
        single: Whether extensions made of others are refused: inside one of them, a schema would not end.
    """

    kind: Kind
    single: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._validate, serialization=core_schema.plain_serializer_function_ser_schema(Spec.dump)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        names = registry().names(self.kind)
        taken = [name for name in names if not (self.single and _composite(registry().find(self.kind, name).extension))]
        return {"anyOf": [self._branch(name, handler) for name in taken]}

    def _branch(self, name: str, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """One tab of the form: an object whose only key is the extension's name."""
        extension = registry().find(self.kind, name).extension
        options = handler(extension.options.__pydantic_core_schema__)
        defaults = extension.options().model_dump(mode="json")  # what the form sends for a tab nobody has touched
        return {
            "title": name,
            "description": extension.summary,
            "type": "object",
            "properties": {name: {**options, "default": defaults}},
            "required": [name],
            "additionalProperties": False,
        }

    def _validate(self, value: object) -> Spec[Extension]:
        try:
            found = spec(self.kind, value)
            if self.single and _composite(found.extension):
                raise ValueError(f"{found.name!r} is itself made of {self.kind}s and cannot stand inside another")
            return found
        except ValidationError as error:
            raise PydanticCustomError("options", "{text}", {"text": explain(error, str(_name(value)))}) from None
        except (ValueError, DaecoreError) as error:
            raise PydanticCustomError("extension", "{text}", {"text": str(error)}) from None


@dataclass(frozen=True)
class OneOrMany:
    """The annotation of a tuple that is also written as its only element.

    In Prefect's form each extension is then a tab of its own, and the list is one more; in a list there are none.

    Attributes:
        title: The tab of the list.
    """

    title: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._list, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(schema)
        # A list is edited as JSON there: to spell every extension out again would only double the form.
        listed = {**many, "items": {"type": "object", "description": "one extension, {name: {option: value}}"}}
        return {"anyOf": [*many["items"]["anyOf"], {"title": self.title, **listed}]}

    @staticmethod
    def _list(value: object) -> object:
        return (value,) if isinstance(value, Spec | dict | str) else value


DatasetSpec = Annotated[Spec[Dataset], OfKind("dataset")]
"""The spec of a dataset."""
CorruptionSpec = Annotated[Spec[Corruption], OfKind("corruption")]
"""An option that holds one corruption, written ``{erasure: {p: 0.5}}``."""
CorruptionSpecs = Annotated[tuple[CorruptionSpec, ...], OneOrMany("several")]
# Beside the corruptions themselves a form shows further ones as JSON: every extension once more would double it.
CorruptionList = Annotated[
    tuple[CorruptionSpec, ...],
    OneOrMany("several"),
    WithJsonSchema({"type": "array", "items": {"type": "object", "description": "{name: {option: value}}"}}),
]
SingleCorruptionSpec = Annotated[Spec[Corruption], OfKind("corruption", single=True)]
"""The same, but a corruption that is made of others, such as a mixture, is refused."""
ArchitectureSpec = Annotated[Spec[Architecture], OfKind("architecture")]
"""The spec of an architecture."""
ObjectiveSpec = Annotated[Spec[Objective], OfKind("objective")]
"""The spec of an objective."""
MetricSpec = Annotated[Spec[Metric], OfKind("metric")]
"""The spec of a metric."""
MetricSpecs = Annotated[
    tuple[MetricSpec, ...],
    OneOrMany("several"),
    WithJsonSchema({"type": "array", "items": {"type": "object", "description": "{name: {option: value}}"}}),
]
"""Further metrics of an experiment, none or several."""


def explain(error: ValidationError, where: str, *, first: bool = False) -> str:
    """A pydantic error as plain sentences: where, what is wrong, what came.

    Args:
        error: What pydantic found.
        where: Where it looked.
        first: Tell the first fault and how many there are: of a file that is wrong as a whole.
    """
    faults = error.errors(include_url=False)
    if not first:
        rest = [f"and {len(faults) - MOST_FAULTS:,} more"] if len(faults) > MOST_FAULTS else []
        return "; ".join([*(_sentence(item, where) for item in faults[:MOST_FAULTS]), *rest])
    more = f" (and {len(faults) - 1:,} more)" if len(faults) > 1 else ""
    return f"{_sentence(faults[0], where)}{more}"


def digest(value: object) -> str:
    """SHA-256 of the value's canonical JSON: sorted keys, no spaces."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _composite(extension: Extension) -> bool:
    return isinstance(extension, Corruption) and extension.composite


def _name(value: object) -> object:
    return next(iter(value)) if isinstance(value, dict) else value


def _sentence(item: Any, where: str) -> str:
    path = in_a_line(".".join(str(part) for part in (where, *item["loc"]) if part != ""))
    if item["type"] in ("options", "extension", "unknown_option"):  # already a sentence with its own place
        return f"{path}: {item['msg']}" if path else str(item["msg"])
    return f"{path}: {item['msg']}, got {quote(item['input'])}"
