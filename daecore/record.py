"""Record: the base of what is found, kept and told: frozen values without unknown fields."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """The base: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
