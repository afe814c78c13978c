"""Reading many image files: the good ones one by one, and all that cannot be used named at once.

Knows files. Does not know what becomes of the images.
"""

import logging
from pathlib import Path

from torch import Tensor

from daecore import DaecoreError, DataError, InputError, read_image

warnings = logging.getLogger("daecore")

NAMED = 50  # files that a message names
SMALLEST = 4  # side of a crop


class Reading:
    """Images as they are read, and what was wrong with the others.

    Args:
        channels: 1 reads them grey, 3 in colour.
    """

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self.bad: list[str] = []
        self.small: list[tuple[int, str]] = []
        self.notes: list[str] = []

    def image(self, file: Path, size: int = 1) -> Tensor | None:
        """One image ``(C, H, W)``, uint8 or float32; None if it cannot be read, or is smaller than a crop of this side.

        Raises:
            InputError: No image can be read, as the environment says something that cannot be.
        """
        try:
            image = read_image(file, self.channels)
        except InputError:
            raise
        except DaecoreError as error:
            self.bad.append(str(error))
            return None
        self.notes += [f"{file}: {note}" for note in image.notes]
        height, width = image.pixels.shape[1:]
        if min(height, width) < size:
            self.small.append((min(height, width), f"{file} ({height} x {width})"))
            return None
        return image.pixels

    def images(self, files: list[Path]) -> list[Tensor]:
        """Those that can be read, of any size."""
        return [image for file in files if (image := self.image(file)) is not None]

    def require_all(self, size: int) -> None:
        """Warn of what was lost, and complain about every image that cannot be used.

        Raises:
            DataError: Some cannot be read, or are smaller than a crop of ``size``.
        """
        for note in self.notes[:1]:
            more = f" The same or another note on {len(self.notes) - 1} more." if len(self.notes) > 1 else ""
            warnings.warning("%s.%s", note, more)
        said = _list(self.bad)
        if self.small:
            fits = min(side for side, _ in self.small)
            advice = f"The largest that fits all is size={fits}" if fits >= SMALLEST else "Take them out"
            said.append(
                f"Smaller than a crop of {size} x {size} pixels: {', '.join(_list([n for _, n in self.small]))}."
            )
            said.append(f"{advice}; or take out what is not to be used." if fits >= SMALLEST else f"{advice}.")
        if said:
            raise DataError("\n".join(said))


def _list(names: list[str]) -> list[str]:
    more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
    return names[:NAMED] + more
