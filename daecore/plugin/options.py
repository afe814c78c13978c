"""Options: what a user may set of an extension, and which of them is a corruption's strength.

Knows pydantic. Does not know extensions, nor how a user writes them.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from daecore.errors import choices, quote


class Options(BaseModel):
    """The base of every plugin's options: frozen, no unknown fields.

    Give every field a default, a range and a description with its unit; the class's docstring is what
    the user reads in lists and forms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _names_are_known(cls, value: object) -> object:
        """A misspelt option is answered with the nearest one; pydantic alone would only refuse it."""
        for name in value if isinstance(value, dict) else ():
            if name not in cls.model_fields:
                text = f"there is no option {quote(name)} here. {choices(str(name), cls.model_fields)}"
                raise PydanticCustomError("unknown_option", "{text}", {"text": text})
        return value


@dataclass(frozen=True)
class Strength:
    """The option that says how strongly a corruption acts.

    Attributes:
        option: The option's name.
        identity: The value at which nothing happens, or None if there is none.
        low: The weakest sensible value.
        high: The strongest sensible value.
    """

    option: str
    identity: float | None
    low: float
    high: float
