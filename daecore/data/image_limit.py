"""How large a picture may be: a limit against files that unfold into more than memory holds, which can be lifted."""

import os

from daecore.data.image_values import Refused
from daecore.errors import InputError, quote

VARIABLE = "DAE_MAX_MEGAPIXELS"
MEGAPIXELS = 180.0  # as many as Pillow lets pass; restoring so many in colour takes some gigabytes


def require_size(width: int, height: int) -> None:
    """Whether a picture of so many pixels is read.

    Raises:
        Refused: It has more than `MEGAPIXELS` million, or than the environment allows with DAE_MAX_MEGAPIXELS.
        InputError: DAE_MAX_MEGAPIXELS is no number above 0.
    """
    asked, limit = width * height / 1e6, _limit()
    if asked > limit:
        raise Refused(
            f"has {asked:,.1f} megapixels, and up to {limit:g} are read, as a small file may unfold into more than "
            f"memory holds. If it is what it says, set {VARIABLE}={int(asked) + 1}."
        )


def _limit() -> float:
    text = os.environ.get(VARIABLE, "")
    try:
        limit = float(text) if text else MEGAPIXELS
    except ValueError:
        limit = 0
    if not limit > 0:
        raise InputError(f"{VARIABLE} is how many million pixels a picture may have, but it says {quote(text)}.")
    return limit
