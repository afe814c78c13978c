"""Layout: how the axes of an array that somebody has are those of a batch of images ``(N, C, H, W)``, and back.

NumPy and its friends put colour last, PyTorch first. Knows shapes. Does not know values or networks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daecore.errors import InputError

COLOURS = (1, 3)
WITH_TRANSPARENCY = (2, 4)  # grey or colour, and how opaque


@dataclass(frozen=True)
class Layout:
    """What the axes of an array are.

    Attributes:
        axes: ``HW``, ``HWC``, ``CHW``, ``NHW``, ``NHWC`` or ``NCHW``.
    """

    axes: str

    @classmethod
    def of(cls, shape: tuple[int, ...], channels: int, *, first: bool) -> "Layout":
        """Of a picture or several.

        Args:
            shape: The array's.
            channels: Of the network.
            first: Whether colour comes first where both are possible.

        Raises:
            InputError: It is none.
        """
        known = {2: ("HW",), 3: ("CHW", "HWC") if first else ("HWC", "CHW"), 4: ("NCHW", "NHWC")}
        for axes in known.get(len(shape), ()):
            at = axes.find("C")
            if at < 0 or shape[at] in (*COLOURS, channels):
                return cls(axes)
        if len(shape) == 3 and shape[-1] not in WITH_TRANSPARENCY:
            return cls("NHW")
        raise InputError(
            f"An array of shape {shape} is no picture that is taken: (H, W), (H, W, 3), (3, H, W), or several of them, "
            "(N, H, W), (N, C, H, W) or (N, H, W, 3). Take transparency off, and other axes apart."
        )

    def batch(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """The array as ``(N, C, H, W)``."""
        found = values
        if "N" not in self.axes:
            found = found[None]
        if "C" not in self.axes:
            return found[:, None]
        return found if self.axes.endswith("CHW") else np.moveaxis(found, -1, 1)

    def unbatch(self, batch: NDArray[np.generic], leading: int = 0) -> NDArray[np.generic]:
        """What was made of the batch, ``(N, C, H', W')``, as the array was.

        Args:
            batch: It.
            leading: How many further axes stand before these.
        """
        found = batch
        if "C" not in self.axes:
            found = found.squeeze(leading + 1)
        elif not self.axes.endswith("CHW"):
            found = np.moveaxis(found, leading + 1, -1)
        return found if "N" in self.axes else found.squeeze(leading)
