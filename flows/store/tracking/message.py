"""Message: what an entry of a journal tells MLflow. A journal may be anybody's, so what it says is looked at first.

Knows the kinds of messages and their forms. Does not tell them.
"""

import base64
from binascii import Error as NotBase64
from io import BytesIO
from typing import Annotated, Literal

from PIL import Image
from pydantic import Field, TypeAdapter

from daecore.record import Record

from ..journal import Entry
from .files import PICTURE_NAME
from .heartbeat import Process

LONG = 2**63  # from which on no database of MLflow's takes a number
MOST_PIXELS = 50_000_000  # of a picture that a training shows: of a row of test images
MODES = ("L", "RGB")  # in which it is written

Step = Annotated[int, Field(ge=-LONG, lt=LONG)]
Value = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class Metrics(Record):
    """Figures by step and name, and when they were measured, in milliseconds since 1970."""

    metrics: dict[Step, dict[str, Value]]
    time: Annotated[int, Field(ge=0, lt=LONG)]


class Picture(Record):
    """A picture of the grid of images: its name among the run's files, without an ending, and a PNG file in base64."""

    picture: Annotated[str, Field(max_length=300, pattern=PICTURE_NAME)]
    png: str

    @property
    def file(self) -> bytes:
        """The PNG file.

        Raises:
            ValueError: It is none.
        """
        try:
            return base64.b64decode(self.png, validate=True)
        except NotBase64:
            raise ValueError("its picture is no base64") from None


class End(Record):
    """How a run ended, why, and by which process; of an earlier version that is not known."""

    end: Literal["FINISHED", "FAILED", "KILLED"]
    why: str = ""
    by: Process | None = None


Message = Metrics | Picture | End
_MESSAGE = TypeAdapter[Message](Message)


def entry_of(message: Message) -> Entry:
    """As a journal keeps it."""
    return message.model_dump(mode="json")


def message_of(entry: Entry) -> Message:
    """What an entry says.

    Raises:
        ValueError: It says nothing that MLflow could be told.
    """
    found = _MESSAGE.validate_python(entry)
    if isinstance(found, Picture):
        _require_picture(found.file)
    return found


def _require_picture(png: bytes) -> None:
    """Raise ValueError for what is no picture of ours: other formats are read by code that believes more."""
    try:
        with Image.open(BytesIO(png), formats=["PNG"]) as image:
            if image.mode not in MODES or image.width * image.height > MOST_PIXELS:
                raise ValueError(f"it is {image.mode}, {image.width} x {image.height}")
            image.load()
    except Exception as error:  # Pillow raises whatever comes out of a damaged file
        raise ValueError(f"its picture is none: {error}") from None
