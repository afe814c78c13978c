"""How large a picture may be: a limit against files that unfold into more than memory holds, which can be lifted."""

import os

from daecore.data.image_values import Refused
from daecore.errors import InputError, quote

VARIABLE = "DAE_MAX_MEGAPIXELS"
MEGAPIXELS = 180.0  # as many as Pillow lets pass; restoring so many in colour takes some gigabytes
SMALL_BYTES = 60_000_000  # of values: 20 megapixels in colour, which are read whatever their file is compressed to
UNFOLDED = 200  # bytes of values for one of a larger picture's file: photographs have 5 to 50, drawings 100


def require_size(width: int, height: int, pixel_bytes: float, file_bytes: int) -> None:
    """Whether a picture of so many pixels is read.

    Args:
        width: In pixels.
        height: In pixels.
        pixel_bytes: What the values of one pixel take.
        file_bytes: What the file has.

    Raises:
        Refused: It has more than `MEGAPIXELS` million, or is large for its file; or has more than the environment
            allows with DAE_MAX_MEGAPIXELS, which is then all that counts.
        InputError: DAE_MAX_MEGAPIXELS is no number above 0.
    """
    asked, limit = width * height / 1e6, _limit()
    most = MEGAPIXELS if limit is None else limit
    if asked > most:
        said = f"has {asked:,.1f} megapixels, and up to {most:g} are read, as a small file may unfold"
    elif limit is None and width * height * pixel_bytes > max(SMALL_BYTES, UNFOLDED * file_bytes):
        said = f"has {asked:,.1f} megapixels in {file_bytes:,} bytes: a file that is made to harm unfolds"
    else:
        return
    raise Refused(f"{said} into more than memory holds. If it is what it says, set {VARIABLE}={int(asked) + 1}.")


def _limit() -> float | None:
    """What the environment allows; None where it says nothing."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    try:
        limit = float(text)
    except ValueError:
        limit = 0
    if not limit > 0:
        raise InputError(f"{VARIABLE} is how many million pixels a picture may have, but it says {quote(text)}.")
    return limit
