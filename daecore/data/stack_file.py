"""Stack files: pictures that become one TIFF, with its dimensions, as OME and ImageJ read them.

They lie in a file beside it until all are there, so that no more than one is in memory. Knows arrays and dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from daecore.data.dimensions import AXES, Dimension
from daecore.errors import DataError

SIDES = ("PhysicalSizeX", "PhysicalSizeY")  # of a pixel, in OME's words
IMAGEJ_KINDS = ("uint8", "uint16", "float32")
LARGE = 4 * 1000**3  # bytes, beyond which a TIFF needs longer addresses
CENTIMETRES = 2.54  # in an inch
FINEST = 2**31  # pixels in a unit of length, which a TIFF counts by 32 bits
HELD = "pictures"  # the name of the file in which they lie until all are there


@dataclass(frozen=True)
class Description:
    """What a file says of its pictures, beside their values.

    Attributes:
        flavour: Who reads its dimensions.
        resolution: Pixels along a row and a column in a unit of length; 0 where the file does not say it.
        unit: That unit, as a TIFF counts: 1 none, 2 inch, 3 centimetre.
        details: What else the flavour knows, as `tifffile` takes it: sizes of pixels, steps of depth and time.
    """

    flavour: Literal["", "ome", "imagej"] = ""
    resolution: tuple[float, float] = (0, 0)
    unit: int = 1
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dpi(self) -> tuple[float, float]:
        """Pixels in an inch along a row and a column; 0 where the file does not say it."""
        inches = {2: 1, 3: CENTIMETRES}.get(self.unit, 0)
        return self.resolution[0] * inches, self.resolution[1] * inches

    @property
    def resolved(self) -> dict[str, Any]:
        """How tifffile is told the resolution; not at all where a TIFF has no room for it."""
        known = all(0 < it < FINEST for it in self.resolution)
        return {"resolution": self.resolution, "resolutionunit": self.unit} if known else {}

    def enlarged(self, scale: float) -> "Description":
        """The same of pictures with so many times the pixels along each side, of the same things."""
        details = {name: it / scale if name in SIDES else it for name, it in self.details.items()}
        return replace(self, resolution=(self.resolution[0] * scale, self.resolution[1] * scale), details=details)


class StackFile:
    """Pictures that become one TIFF.

    Args:
        path: The TIFF, in a folder that is its own.
        dimensions: Along which they lie; the product of their sizes is how many there are.
        description: What the file they are made of says.
    """

    def __init__(self, path: Path, dimensions: tuple[Dimension, ...], description: Description) -> None:
        self._path, self._dimensions, self._description = path, dimensions, description
        self._held: BinaryIO | None = None
        self._first: NDArray[Any] | None = None

    def add(self, layers: NDArray[Any]) -> None:
        """Append a picture ``(H, W, 1 to 4)``, alpha last.

        Raises:
            DataError: It has another size or type than the first one.
            OSError: There is no room for it.
        """
        if self._held is None or self._first is None:
            self._held, self._first = self._path.with_name(HELD).open("wb"), layers[:0]
            self._shape = layers.shape
        if layers.shape != self._shape or layers.dtype != self._first.dtype:
            raise DataError(
                f"Its pictures differ: {self._shape} {self._first.dtype} and {layers.shape} {layers.dtype}. One file "
                "holds pictures of one kind; save each as a file of its own."
            )
        self._held.write(np.ascontiguousarray(layers).data)

    def finish(self) -> None:
        """Write the TIFF.

        Raises:
            OSError: There is no room for it.
        """
        import tifffile

        if self._held is None or self._first is None:
            return
        self._held.close()
        sizes, samples = [it.size for it in self._dimensions], self._shape[2]
        plane = self._shape if samples > 1 else self._shape[:2]
        values = np.memmap(self._held.name, self._first.dtype, "r", shape=(*sizes, *plane))
        options = metadata_of(self._description, self._dimensions, str(self._first.dtype), samples)
        if samples > 1:
            options |= {"planarconfig": "contig", "extrasamples": ["unassalpha"] if samples in (2, 4) else None}
        options |= self._description.resolved
        photometric = "minisblack" if samples < 3 else "rgb"
        tifffile.imwrite(self._path, values, photometric=photometric, bigtiff=values.nbytes > LARGE, **options)
        del values
        Path(self._held.name).unlink()

    def close(self) -> None:
        """Let go of what was begun."""
        if self._held is not None:
            self._held.close()


def metadata_of(described: Description, dimensions: tuple[Dimension, ...], kind: str, samples: int) -> dict[str, Any]:
    """How tifffile is told what the pictures are.

    Args:
        described: What the file they are made of says.
        dimensions: Along which they lie; none for a single picture.
        kind: The type of their numbers.
        samples: Of a pixel, with alpha.
    """
    axes = "".join(AXES[it.name] for it in dimensions) + ("YXS" if samples > 1 else "YX")
    plain = "page" not in {it.name for it in dimensions} and samples in (1, 3)
    if described.flavour == "imagej" and plain and (kind in IMAGEJ_KINDS if samples == 1 else kind == "uint8"):
        order = [letter for letter in "TZCYXS" if letter in axes]
        if "".join(order) == axes:
            return {"imagej": True, "metadata": {"axes": axes, **described.details}}
    if described.flavour == "ome" and plain:
        labels = next((it.labels for it in dimensions if it.name == "channel"), ())
        channel = {"Channel": {"Name": list(labels)}} if labels else {}
        return {"ome": True, "metadata": {"axes": axes, **channel, **described.details}}
    return {"metadata": {"axes": axes} if dimensions else None}
